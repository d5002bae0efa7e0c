/* Bounded guessing: see the header. */
#include <sys/random.h>

#include "ngx_http_dff_auth_guess.h"
#include "ngx_http_dff_client.h"

#define NGX_HTTP_DFF_GUESS_SETS  512
#define NGX_HTTP_DFF_GUESS_WAYS  4
#define NGX_HTTP_DFF_GUESS_KNOWN 3600    /* s that right credentials are remembered */

typedef struct {
    uint64_t    key;
    time_t      since;     /* s, of ngx_http_dff_auth_guess_now(); 0: free */
    ngx_uint_t  count;
} ngx_http_dff_guess_t;

typedef ngx_http_dff_guess_t  ngx_http_dff_guess_set_t[NGX_HTTP_DFF_GUESS_WAYS];

struct ngx_http_dff_guesses_s {
    uint64_t                  seed;     /* so that nobody can choose who shares a key */
    ngx_http_dff_guess_set_t  wrong[NGX_HTTP_DFF_GUESS_SETS];
    ngx_http_dff_guess_set_t  right[NGX_HTTP_DFF_GUESS_SETS];
};

static uint64_t ngx_http_dff_auth_guess_key(ngx_http_dff_ctx_t *ctx, dff_str_t username,
    dff_str_t proof);
static uint64_t ngx_http_dff_auth_guess_add(uint64_t key, const void *data, size_t len);
static ngx_http_dff_guess_t *ngx_http_dff_auth_guess_find(ngx_http_dff_guess_set_t *table,
    uint64_t key, time_t window);
static void ngx_http_dff_auth_guess_count(ngx_http_dff_guess_set_t *table, uint64_t key,
    time_t window);
static time_t ngx_http_dff_auth_guess_now(void);


ngx_http_dff_guesses_t *
ngx_http_dff_auth_guess_new(ngx_cycle_t *cycle)
{
    ngx_http_dff_guesses_t  *guesses;

    guesses = ngx_pcalloc(cycle->pool, sizeof(ngx_http_dff_guesses_t));

    if (guesses == NULL
        || getrandom(&guesses->seed, sizeof(guesses->seed), 0) != sizeof(guesses->seed))
    {
        return NULL;
    }

    return guesses;
}


ngx_uint_t
ngx_http_dff_auth_guess_may(ngx_http_dff_ctx_t *ctx, dff_str_t username, dff_str_t proof,
    time_t *wait)
{
    ngx_http_dff_guess_t    *guess;
    ngx_http_dff_guesses_t  *guesses = ctx->worker->guesses;

    guess = ngx_http_dff_auth_guess_find(guesses->wrong,
                                         ngx_http_dff_auth_guess_key(ctx, username,
                                                                     DFF_STR("")),
                                         NGX_HTTP_DFF_GUESSES_WINDOW);

    if (guess == NULL || guess->count < NGX_HTTP_DFF_GUESSES_MAX) {
        return 1;
    }

    *wait = guess->since + NGX_HTTP_DFF_GUESSES_WINDOW - ngx_http_dff_auth_guess_now();

    return ngx_http_dff_auth_guess_find(guesses->right,
                                        ngx_http_dff_auth_guess_key(ctx, username, proof),
                                        NGX_HTTP_DFF_GUESS_KNOWN)
           != NULL;
}


void
ngx_http_dff_auth_guess_wrong(ngx_http_dff_ctx_t *ctx, dff_str_t username)
{
    ngx_http_dff_auth_guess_count(ctx->worker->guesses->wrong,
                                  ngx_http_dff_auth_guess_key(ctx, username, DFF_STR("")),
                                  NGX_HTTP_DFF_GUESSES_WINDOW);
}


void
ngx_http_dff_auth_guess_right(ngx_http_dff_ctx_t *ctx, dff_str_t username, dff_str_t proof)
{
    ngx_http_dff_auth_guess_count(ctx->worker->guesses->right,
                                  ngx_http_dff_auth_guess_key(ctx, username, proof),
                                  NGX_HTTP_DFF_GUESS_KNOWN);
}


/* FNV-1a of 64 bits from a random start: fast, and who may choose the bytes does not know
 * where it begins. */
static uint64_t
ngx_http_dff_auth_guess_key(ngx_http_dff_ctx_t *ctx, dff_str_t username, dff_str_t proof)
{
    u_char      ipv6[16];
    uint64_t    key;
    ngx_str_t  *chain;

    (void) ngx_http_dff_client_chain(ctx, &chain);

    key = ctx->worker->guesses->seed ^ (uint64_t) ctx->kind;

    if (ngx_inet6_addr(chain[0].data, chain[0].len, ipv6) == NGX_OK) {
        key = ngx_http_dff_auth_guess_add(key, ipv6, 8);
    } else {
        key = ngx_http_dff_auth_guess_add(key, chain[0].data, chain[0].len);
    }

    key = ngx_http_dff_auth_guess_add(key, ctx->link_id.data, ctx->link_id.len);
    key = ngx_http_dff_auth_guess_add(key, username.data, username.len);

    return ngx_http_dff_auth_guess_add(key, proof.data, proof.len);
}


/* One part, with its length, so that ("a", "bc") and ("ab", "c") differ. */
static uint64_t
ngx_http_dff_auth_guess_add(uint64_t key, const void *data, size_t len)
{
    size_t         i;
    const u_char  *p = data;

    static const uint64_t  prime = 0x100000001b3;

    for (i = 0; i < len; i++) {
        key = (key ^ p[i]) * prime;
    }

    return (key ^ (uint64_t) len) * prime;
}


static ngx_http_dff_guess_t *
ngx_http_dff_auth_guess_find(ngx_http_dff_guess_set_t *table, uint64_t key, time_t window)
{
    time_t                 now = ngx_http_dff_auth_guess_now();
    ngx_uint_t             i;
    ngx_http_dff_guess_t  *set = table[(key >> 32) % NGX_HTTP_DFF_GUESS_SETS];

    for (i = 0; i < NGX_HTTP_DFF_GUESS_WAYS; i++) {
        if (set[i].key == key && set[i].since != 0 && now - set[i].since < window) {
            return &set[i];
        }
    }

    return NULL;
}


/* A new one takes the place of what has run out, or else of the one that was counted least:
 * names that are made up push nobody out who is being guessed. */
static void
ngx_http_dff_auth_guess_count(ngx_http_dff_guess_set_t *table, uint64_t key, time_t window)
{
    time_t                 now = ngx_http_dff_auth_guess_now();
    ngx_uint_t             i;
    ngx_http_dff_guess_t  *guess, *set = table[(key >> 32) % NGX_HTTP_DFF_GUESS_SETS];

    guess = ngx_http_dff_auth_guess_find(table, key, window);

    if (guess != NULL) {
        guess->count++;
        return;
    }

    guess = &set[0];

    for (i = 0; i < NGX_HTTP_DFF_GUESS_WAYS; i++) {

        if (set[i].since == 0 || now - set[i].since >= window) {
            guess = &set[i];
            break;
        }

        if (set[i].count < guess->count
            || (set[i].count == guess->count && set[i].since < guess->since))
        {
            guess = &set[i];
        }
    }

    guess->key = key;
    guess->since = now;
    guess->count = 1;
}


/* s of nginx's monotonic clock: one that is put back would keep who guessed out until it is there
 * again. */
static time_t
ngx_http_dff_auth_guess_now(void)
{
    return (time_t) (ngx_current_msec / 1000);
}
