/*
 * Looking the host of Redis up again, with a name server of the test: one that answers, one that
 * does so when it is too late, and none.
 */
#include "redis/dff_redis_internal.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/dns.h>

#include "dff_banned.h"

#define QUERY_HEAD      12      /* bytes, as the name, type and class come behind them */
#define QUERY_TYPE_AAAA 28
#define LOOPS_MAX       20

static int name_server = -1;

/* In place of libevent's: /etc/resolv.conf is not ours to write. */
int
evdns_base_resolv_conf_parse(struct evdns_base *base, int flags, const char *filename)
{
    struct sockaddr_in address;
    socklen_t          size = sizeof(address);

    (void) flags;
    (void) filename;
    if (name_server < 0)
        return 1;
    assert_int_equal(getsockname(name_server, (struct sockaddr *) &address, &size), 0);
    assert_int_equal(evdns_base_nameserver_sockaddr_add(base, (struct sockaddr *) &address, size,
                                                        0), 0);
    return 0;
}

static void
begin_name_server(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval     patience = { 5, 0 };

    name_server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(name_server >= 0);
    assert_int_equal(bind(name_server, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(setsockopt(name_server, SOL_SOCKET, SO_RCVTIMEO, &patience,
                                sizeof(patience)), 0);
}

/* One of the two questions: 127.0.1.2 for A, nothing for AAAA. */
static void
answer_one(void)
{
    static const unsigned char found[] = { 0xc0, QUERY_HEAD, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4,
                                           127, 0, 1, 2 };
    unsigned char           text[512 + sizeof(found)];
    struct sockaddr_storage peer;
    socklen_t               peer_size = sizeof(peer);
    ssize_t                 n = recvfrom(name_server, text, 512, 0, (struct sockaddr *) &peer,
                                         &peer_size);
    size_t                  size = (size_t) n;

    assert_true(n > QUERY_HEAD + 4);
    text[2] |= 0x80;                                    /* it is an answer */
    if (text[size - 3] != QUERY_TYPE_AAAA) {
        text[7] = 1;                                    /* with one record */
        memcpy(text + size, found, sizeof(found));
        size += sizeof(found);
    }
    assert_int_equal(sendto(name_server, text, size, 0, (struct sockaddr *) &peer, peer_size),
                     size);
}

/* What libevent has freed is of no use any more, also to libevent. */
static void
wipe_and_free(void *block)
{
    /* volatile, or the compiler sees that nobody reads it */
    static void *(*volatile wipe)(void *, int, size_t) = memset;

    if (block != NULL)
        (void) wipe(block, 0xa5, malloc_usable_size(block));
    free(block);
}

typedef struct {
    dff_log_t   log;
    dff_redis_t redis;
} fixture_t;

static int
set_up(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->log.fd = -1;
    f->redis.base = event_base_new();
    f->redis.log = &f->log;
    f->redis.host = strdup("redis.test");
    f->redis.address = strdup("127.0.1.1");
    f->redis.port = 6379;
    TAILQ_INIT(&f->redis.links);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    fixture_t *f = *state;

    dff_redis_address_release(&f->redis);
    event_base_free(f->redis.base);
    free(f);
    if (name_server >= 0)
        (void) close(name_server);
    name_server = -1;
    return 0;
}

static void
loop_to_the_end(dff_redis_t *redis)
{
    int i;

    for (i = 0; i < LOOPS_MAX && redis->dns != NULL; i++)
        assert_int_equal(event_base_loop(redis->base, EVLOOP_ONCE), 0);
    assert_null(redis->dns);
}

/* Its time is over at the next turn of the loop. */
static void
end_its_time(dff_redis_t *redis)
{
    static const struct timeval now = { 0, 0 };

    assert_int_equal(evtimer_add(redis->looked_up, &now), 0);
}

static void
an_answer_is_followed(void **state)
{
    dff_redis_t *redis = &((fixture_t *) *state)->redis;

    begin_name_server();
    dff_redis_look_up(redis);
    answer_one();
    answer_one();
    loop_to_the_end(redis);
    assert_string_equal(redis->address, "127.0.1.2");
    assert_string_equal(redis->label, "127.0.1.2:6379");
}

static void
one_that_nobody_answers_ends_and_there_is_another(void **state)
{
    dff_redis_t *redis = &((fixture_t *) *state)->redis;

    dff_redis_look_up(redis);
    assert_non_null(redis->dns);
    end_its_time(redis);
    loop_to_the_end(redis);
    assert_string_equal(redis->address, "127.0.1.1");

    redis->look_up_ms = 0;
    an_answer_is_followed(state);
}

/* libevent tells what it has read a moment later. */
static void
answers_may_come_while_it_ends(void **state)
{
    dff_redis_t *redis = &((fixture_t *) *state)->redis;
    int          answers;

    begin_name_server();
    for (answers = 1; answers <= 2; answers++) {
        int i;

        redis->look_up_ms = 0;
        dff_redis_look_up(redis);
        for (i = 0; i < answers; i++)
            answer_one();
        end_its_time(redis);
        loop_to_the_end(redis);
        for (; i < 2; i++)
            answer_one();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_nobody_answers_ends_and_there_is_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(answers_may_come_while_it_ends, set_up, tear_down),
    };

    event_set_mem_functions(malloc, realloc, wipe_and_free);
    return cmocka_run_group_tests_name("dff_redis_address", tests, NULL, NULL);
}
