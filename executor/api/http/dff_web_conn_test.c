/* Clients that trickle: each piece comes in time, and the whole never. The clock is ours, since
 * nobody can wait for an hour. */
#include "api/http/dff_web.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dff_time.h"

#include "dff_test.h"

#include "dff_banned.h"

#define STEP_S     50       /* less than may be between two pieces of a request */
#define REQUEST_S  3600     /* a whole one may take */

static long ahead_s;        /* of the system's clocks */

/* In place of the C library's, for us, libevent and the rest of the program. */
int
clock_gettime(clockid_t id, struct timespec *at)
{
    int rc = (int) syscall(SYS_clock_gettime, id, at);

    at->tv_sec += ahead_s;
    return rc;
}

typedef struct {
    dff_api_t    api;
    dff_config_t cfg;
    int          client;
} fixture_t;

static void
setup(fixture_t *f)
{
    static char anybody[] = "true", nobody[] = "", zone[] = "UTC";
    dff_err_t   err;
    int         pair[2];

    *f = (fixture_t) { 0 };
    f->cfg.web_cors_origin = anybody;
    f->cfg.web_trusted_proxies = nobody;
    f->cfg.timezone = zone;
    f->api.cfg = &f->cfg;
    f->api.log.fd = -1;
    f->api.base = event_base_new();
    assert_non_null(f->api.base);
    f->api.web = dff_web_new(&f->api, &err);
    if (f->api.web == NULL)
        fail_msg("%s", err.message);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    f->client = pair[0];
    dff_web_accept(&f->api, pair[1]);
    assert_int_equal(f->api.web->nconnections, 1);
}

static void
teardown(fixture_t *f)
{
    (void) close(f->client);
    dff_web_free(f->api.web);
    event_base_free(f->api.base);
}

/* After so many seconds a byte; how long until it is cut. */
static long
trickle(fixture_t *f, char byte)
{
    long begin_s = ahead_s;

    while (ahead_s - begin_s < 2 * REQUEST_S) {
        ahead_s += STEP_S;
        assert_int_equal(send(f->client, &byte, 1, MSG_NOSIGNAL), 1);
        assert_true(event_base_loop(f->api.base, EVLOOP_NONBLOCK) >= 0);
        if (f->api.web->nconnections == 0)
            break;
    }
    return ahead_s - begin_s;
}

static void
is_cut(fixture_t *f)
{
    char    byte;
    ssize_t n = recv(f->client, &byte, 1, 0);

    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

static void
who_trickles_a_head_is_cut(void **state)
{
    static const char begin[] = "9000:CONTENT_LENGTH";
    fixture_t         f;
    long              lasted_s;

    (void) state;
    setup(&f);
    assert_int_equal(send(f.client, begin, sizeof(begin) - 1, 0), sizeof(begin) - 1);
    lasted_s = trickle(&f, 'x');
    assert_in_range(lasted_s, REQUEST_S, REQUEST_S + STEP_S);
    is_cut(&f);
    teardown(&f);
}

static void
who_trickles_a_body_is_cut(void **state)
{
    static const char head[] = "CONTENT_LENGTH\0" "9000\0SCGI\0" "1\0REQUEST_METHOD\0POST\0"
                               "REQUEST_URI\0/api/v1/do/echo\0CONTENT_TYPE\0application/json";
    char              text[512];
    fixture_t         f;
    int               len;
    long              lasted_s;

    (void) state;
    setup(&f);
    len = snprintf(text, sizeof(text), "%zu:", sizeof(head));
    memcpy(text + len, head, sizeof(head));
    text[len + (int) sizeof(head)] = ',';
    assert_int_equal(send(f.client, text, (size_t) len + sizeof(head) + 1, 0),
                     len + (int) sizeof(head) + 1);
    lasted_s = trickle(&f, ' ');
    assert_in_range(lasted_s, REQUEST_S, REQUEST_S + STEP_S);
    is_cut(&f);
    assert_int_equal(f.api.web->held, 0);
    teardown(&f);
}

/* Who sends nothing more does not get that long. */
static void
who_stops_is_cut_sooner(void **state)
{
    fixture_t f;

    (void) state;
    setup(&f);
    assert_int_equal(send(f.client, "9000:", 5, 0), 5);
    ahead_s += STEP_S;
    assert_true(event_base_loop(f.api.base, EVLOOP_NONBLOCK) >= 0);
    assert_int_equal(f.api.web->nconnections, 1);
    ahead_s += 2 * STEP_S;
    assert_true(event_base_loop(f.api.base, EVLOOP_NONBLOCK) >= 0);
    is_cut(&f);
    teardown(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_trickles_a_head_is_cut),
        cmocka_unit_test(who_trickles_a_body_is_cut),
        cmocka_unit_test(who_stops_is_cut_sooner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
