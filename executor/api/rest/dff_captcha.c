/* Captchas: see the header. The image is made of strokes, so that no text is in it. */
#include "api/rest/dff_captcha.h"

#include <strings.h>
#include <sys/random.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "dff_mac.h"

#include "dff_banned.h"

#define DFF_CAPTCHA_WIDTH   120
#define DFF_CAPTCHA_HEIGHT  30
#define DFF_CAPTCHA_NOISE   5

typedef struct {
    unsigned char bytes[128];
    size_t        at;
} dff_captcha_random_t;

/* Strokes on a grid of 4 by 6: pairs of digits are points, blanks part the strokes. */
static const char *const dff_captcha_strokes[10] = {
    "1030413514043310", "122104 0545", "0110304143 4305 0545", "00402230414405 0514",
    "300343 3036", "40002233 3343350504", "40111424354403 0424", "004015",
    "1030412203051535 3543221001", "4203011030413525",
};


static unsigned
dff_captcha_random(dff_captcha_random_t *random, unsigned below)
{
    return random->bytes[random->at++ % sizeof(random->bytes)] % below;
}


static void
dff_captcha_draw_digit(dff_buf_t *svg, dff_captcha_random_t *random, unsigned digit, int left)
{
    int         dx = (int) dff_captcha_random(random, 7), dy = (int) dff_captcha_random(random, 5);
    int         lean = (int) dff_captcha_random(random, 5) - 2;
    const char *at = dff_captcha_strokes[digit];
    bool        begins = true;

    dff_buf_add_str(svg, DFF_STR("<path d=\""));
    while (*at != '\0') {
        if (*at == ' ') {
            begins = true;
            at++;
            continue;
        }
        dff_buf_addf(svg, "%s%d %d", begins ? "M" : "L",
                     left + dx + (at[0] - '0') * 4 + (3 - (at[1] - '0')) * lean / 2
                     + (int) dff_captcha_random(random, 2),
                     3 + dy + (at[1] - '0') * 4 + (int) dff_captcha_random(random, 2));
        begins = false;
        at += 2;
    }
    dff_buf_addf(svg, "\" stroke=\"rgb(%u,%u,%u)\"/>", dff_captcha_random(random, 140),
                 dff_captcha_random(random, 140), dff_captcha_random(random, 140));
}


static void
dff_captcha_draw(dff_buf_t *svg, dff_captcha_random_t *random, const char *digits)
{
    dff_buf_addf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                 "viewBox=\"0,0,%d,%d\"><rect width=\"100%%\" height=\"100%%\" fill=\"#f4f6f8\"/>"
                 "<g fill=\"none\" stroke-width=\"2\" stroke-linecap=\"round\">",
                 DFF_CAPTCHA_WIDTH, DFF_CAPTCHA_HEIGHT, DFF_CAPTCHA_WIDTH, DFF_CAPTCHA_HEIGHT);
    for (int i = 0; i < DFF_CAPTCHA_DIGITS; i++) {
        dff_captcha_draw_digit(svg, random, (unsigned) (digits[i] - '0'), 6 + i * 28);
    }
    for (int i = 0; i < DFF_CAPTCHA_NOISE; i++) {
        dff_buf_addf(svg, "<path d=\"M%u %uQ%u %u %u %u\" stroke=\"rgba(90,90,120,0.45)\" "
                     "stroke-width=\"1\"/>", dff_captcha_random(random, 40),
                     dff_captcha_random(random, 30), dff_captcha_random(random, 120),
                     dff_captcha_random(random, 30), 80 + dff_captcha_random(random, 40),
                     dff_captcha_random(random, 30));
    }
    dff_buf_add_str(svg, DFF_STR("</g></svg>"));
}


static int
dff_captcha_key(dff_key_t key, const char *category, dff_str_t token, dff_err_t *err)
{
    dff_str_t parts[] = { dff_str_from(category), token };
    char      digest[DFF_DIGEST_SIZE_MAX];

    if (dff_digest_joined(digest, DFF_DIGEST_SHA256, parts, 2, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(key, DFF_KEY_CAPTCHA, dff_str_from(digest));
    return DFF_OK;
}


int
dff_captcha_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_captcha_random_t random = { .at = 0 };
    dff_str_t            category = dff_web_query(&call->req, "captchaCategory");
    dff_str_t            token = dff_web_query(&call->req, "captchaToken");
    char                 digits[DFF_CAPTCHA_DIGITS + 1] = "";
    dff_key_t            key;
    redisReply          *reply;
    bool                 taken;

    if (getrandom(random.bytes, sizeof(random.bytes), 0) != (ssize_t) sizeof(random.bytes)) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    for (int i = 0; i < DFF_CAPTCHA_DIGITS; i++) {
        digits[i] = (char) ('0' + dff_captcha_random(&random, 10));
    }
    if (dff_captcha_key(key, dff_arena_copy(&call->arena, category), token, err) != DFF_OK) {
        return DFF_ERROR;
    }
    reply = dff_rcmd_run(call->web->api->rcmd, err, "SET %s %s NX EX %d", key, digits,
                         DFF_CAPTCHA_EXPIRES_S);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    taken = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (!taken) {
        return dff_err_set(err, DFF_E_USER_CAPTCHA, "This captchaToken has an image already");
    }
    dff_captcha_draw(&call->answer.content, &random, digits);
    call->answer.content_type = "image/svg+xml";
    return DFF_OK;
}


int
dff_captcha_check(dff_web_call_t *call, const char *category, dff_str_t token, dff_str_t given,
    dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;
    redisReply *reply, *deleted;
    dff_key_t   key;
    bool        same;

    if (token.len == 0 || given.len == 0) {
        return dff_err_set(err, DFF_E_USER_CAPTCHA, "A captcha is needed now");
    }
    if (dff_captcha_key(key, category, token, err) != DFF_OK) {
        return DFF_ERROR;
    }
    /* Of two attempts with one image the DEL of one only finds it. */
    if (dff_rcmd_append(rcmd, err, "GET %s", key) != DFF_OK
        || dff_rcmd_append(rcmd, err, "DEL %s", key) != DFF_OK)
    {
        return DFF_ERROR;
    }
    reply = dff_rcmd_next(rcmd, err);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    deleted = dff_rcmd_next(rcmd, err);
    same = deleted != NULL && deleted->type == REDIS_REPLY_INTEGER && deleted->integer == 1
        && reply->type == REDIS_REPLY_STRING
        && dff_mac_equal((dff_str_t) { reply->str, reply->len }, given);
    freeReplyObject(reply);
    if (deleted == NULL) {
        return DFF_ERROR;
    }
    freeReplyObject(deleted);
    return same ? DFF_OK : dff_err_set(err, DFF_E_USER_CAPTCHA, "The captcha is wrong or expired");
}
