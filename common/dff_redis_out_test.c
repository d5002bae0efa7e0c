/* The output of a hiredis connection (dff_redis_out.h), on a socket pair. */
#include "dff_redis_out.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dff_sds.h"

#include "dff_test.h"

#include "dff_banned.h"

#define LARGE  (3u << 20)

typedef struct {
    redisContext    c;
    dff_redis_out_t out;
    int             peer;
} out_t;

static int
set_up(void **state)
{
    out_t *out = calloc(1, sizeof(*out));
    int    fds[2];

    assert_non_null(out);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    out->c.fd = fds[0];
    out->peer = fds[1];
    out->c.obuf = dff_sds_empty();
    *state = out;
    return 0;
}

static int
tear_down(void **state)
{
    out_t *out = *state;

    (void) close(out->c.fd);
    (void) close(out->peer);
    dff_sds_free(out->c.obuf);
    free(out);
    return 0;
}

/* Byte number i of what is sent. */
static char
pattern(size_t i)
{
    return (char) (i * 7 + (i >> 8) + (i >> 16));
}

static void
add(out_t *out, size_t first, size_t count)
{
    char *text = malloc(count);
    size_t i;

    assert_non_null(text);
    for (i = 0; i < count; i++)
        text[i] = pattern(first + i);
    out->c.obuf = dff_sds_cat(out->c.obuf, text, count);
    free(text);
}

/* Reads what there is, which must go on at number first; returns how much it was. */
static size_t
read_on(out_t *out, size_t first, size_t most)
{
    char    text[65536];
    size_t  got = 0, i;
    ssize_t n;

    while (got < most && (n = recv(out->peer, text, sizeof(text), 0)) > 0) {
        for (i = 0; i < (size_t) n; i++) {
            if (text[i] != pattern(first + got + i))
                fail_msg("byte %zu is another", first + got + i);
        }
        got += (size_t) n;
    }
    return got;
}

static void
a_small_buffer_is_written_and_kept(void **state)
{
    out_t *out = *state;
    size_t size;

    add(out, 0, 5000);
    size = dff_sds_alloc(out->c.obuf);
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_EMPTY);
    assert_int_equal(out->out.sent, 0);
    assert_int_equal(dff_sds_len(out->c.obuf), 0);
    assert_int_equal(out->c.obuf[0], '\0');
    assert_int_equal(dff_sds_alloc(out->c.obuf), size);
    assert_int_equal(read_on(out, 0, 5000), 5000);
    /* Nothing to write is no error. */
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_EMPTY);
}

static void
a_full_socket_takes_the_rest_later(void **state)
{
    out_t                *out = *state;
    size_t                got = 0;
    dff_redis_out_state_t rc;

    add(out, 0, LARGE);
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_MORE);
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_MORE);
    do {
        got += read_on(out, got, LARGE);
        rc = dff_redis_out_write(&out->c, &out->out);
    } while (rc == DFF_REDIS_OUT_MORE);
    got += read_on(out, got, LARGE);
    assert_int_equal(rc, DFF_REDIS_OUT_EMPTY);
    assert_int_equal(got, LARGE);
    assert_true(dff_sds_alloc(out->c.obuf) <= DFF_REDIS_KEEP_SIZE);
}

static void
a_buffer_that_never_gets_empty_stays_small(void **state)
{
    out_t *out = *state;
    size_t put = 0, got = 0, largest = 0;
    int    i;

    for (i = 0; i < 400; i++) {
        add(out, put, 100000);
        put += 100000;
        (void) dff_redis_out_write(&out->c, &out->out);
        if (put - got > 1000000)
            got += read_on(out, got, 100000);
        if (dff_sds_len(out->c.obuf) > largest)
            largest = dff_sds_len(out->c.obuf);
    }
    assert_true(largest < 4000000);
    while (dff_redis_out_write(&out->c, &out->out) == DFF_REDIS_OUT_MORE)
        got += read_on(out, got, put);
    got += read_on(out, got, put);
    assert_int_equal(got, put);
}

static void
a_peer_that_left_is_told_and_kills_nobody(void **state)
{
    out_t *out = *state;

    assert_int_equal(shutdown(out->peer, SHUT_RDWR), 0);
    add(out, 0, 100);
    errno = 0;
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_BROKEN);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(dff_sds_len(out->c.obuf) - out->out.sent, 100);
}

static void
a_large_command_moves_until_the_other_side_has_it(void **state)
{
    out_t *out = *state;
    size_t got = 0;

    out->c.flags = REDIS_CONNECTED;
    add(out, 0, LARGE);
    dff_redis_out_queued(&out->c, &out->out, LARGE);

    /* What our own system takes is no progress of the other side. */
    assert_int_equal(dff_redis_out_write(&out->c, &out->out), DFF_REDIS_OUT_MORE);
    (void) dff_redis_out_moves(&out->c, &out->out);
    assert_false(dff_redis_out_moves(&out->c, &out->out));

    while (got < LARGE) {
        got += read_on(out, got, LARGE);
        (void) dff_redis_out_write(&out->c, &out->out);
        assert_true(dff_redis_out_moves(&out->c, &out->out));
        assert_false(dff_redis_out_moves(&out->c, &out->out));
    }

    /* What comes behind it is none. */
    add(out, LARGE, 5000);
    (void) dff_redis_out_write(&out->c, &out->out);
    (void) read_on(out, LARGE, 5000);
    assert_false(dff_redis_out_moves(&out->c, &out->out));
}

static void
small_commands_are_no_progress(void **state)
{
    out_t *out = *state;
    size_t put;

    out->c.flags = REDIS_CONNECTED;
    for (put = 0; put < LARGE; put += 5000) {
        add(out, put, 5000);
        dff_redis_out_queued(&out->c, &out->out, 5000);
        (void) dff_redis_out_write(&out->c, &out->out);
        (void) read_on(out, put, 5000);
            assert_false(dff_redis_out_moves(&out->c, &out->out));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_buffer_is_written_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_socket_takes_the_rest_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_buffer_that_never_gets_empty_stays_small, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_large_command_moves_until_the_other_side_has_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(small_commands_are_no_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_left_is_told_and_kills_nobody, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
