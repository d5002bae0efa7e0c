/* Heads of SCGI requests, in pieces of any size. */
#include "api/http/dff_scgi.h"

#include "dff_test.h"

#include "dff_banned.h"

#define HEAD  "CONTENT_LENGTH\0" "5\0SCGI\0" "1\0REQUEST_METHOD\0POST\0EMPTY\0\0"

/* A netstring around a head. */
static dff_str_t
netstring(char *out, size_t size, dff_str_t head)
{
    int len = snprintf(out, size, "%zu:", head.len);

    memcpy(out + len, head.data, head.len);
    out[(size_t) len + head.len] = ',';
    return (dff_str_t) { out, (size_t) len + head.len + 1 };
}

static void
a_head_is_read_in_pieces_of_any_size(void **state)
{
    char      room[256];
    dff_str_t all = netstring(room, sizeof(room), DFF_STR(HEAD));

    (void) state;
    memcpy(room + all.len, "hello and more", 14);
    for (size_t step = 1; step <= all.len + 14; step++) {
        dff_scgi_t scgi = { 0 };
        dff_err_t  err;
        size_t     at = 0, left = 0;
        int        rc = 0;

        while (rc == 0 && at < all.len + 14) {
            size_t    len = all.len + 14 - at < step ? all.len + 14 - at : step;
            dff_str_t piece = dff_test_exact((dff_str_t) { room + at, len }), rest = piece;

            rc = dff_scgi_feed(&scgi, &rest, &err);
            at += len;
            left = rest.len;
            dff_test_free(piece);
        }
        assert_int_equal(rc, 1);
        assert_int_equal(at - left, all.len);       /* the body is the caller's */
        assert_int_equal(scgi.body_len, 5);
        dff_test_str_is(dff_scgi_get(&scgi, "REQUEST_METHOD"), "POST");
        dff_test_str_is(dff_scgi_get(&scgi, "EMPTY"), "");
        dff_test_str_is(dff_scgi_get(&scgi, "REQUEST"), "");
        dff_test_str_is(dff_scgi_get(&scgi, "POST"), "");       /* a value is no name */
        dff_scgi_release(&scgi);
    }
}

static void
what_the_client_has_announced_is_the_body(void **state)
{
    static const char head[] = "CONTENT_LENGTH\0" "0\0SCGI\0" "1\0BODY_LENGTH\0" "77\0";
    char              room[128];
    dff_str_t         all = netstring(room, sizeof(room), (dff_str_t) { head, sizeof(head) - 1 });
    dff_scgi_t        scgi = { 0 };

    (void) state;
    assert_int_equal(dff_scgi_feed(&scgi, &all, NULL), 1);
    assert_int_equal(scgi.body_len, 77);
    assert_int_equal(dff_scgi_feed(&scgi, &all, NULL), 1);      /* once complete it stays */
    dff_scgi_release(&scgi);
}

static void
bad_heads_are_refused(void **state)
{
    static const struct {
        dff_str_t   head;
        const char *says;
    } rows[] = {
        { DFF_STR(""), "names and values" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0SCGI\0" "1"), "names and values" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0SCGI\0" "1\0X\0"), "names and values" },
        { DFF_STR("SCGI\0" "1\0CONTENT_LENGTH\0" "0\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("content_length\0" "0\0SCGI\0" "1\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0\0SCGI\0" "1\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0-1\0SCGI\0" "1\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0" "1e3\0SCGI\0" "1\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0" " 1\0SCGI\0" "1\0"), "begin with CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0" "1234567890123456\0SCGI\0" "1\0"), "CONTENT_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0SCGI\0" "2\0"), "SCGI 1" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0HTTP\0" "1\0"), "SCGI 1" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0SCGI\0" "1\0BODY_LENGTH\0x\0"), "BODY_LENGTH" },
        { DFF_STR("CONTENT_LENGTH\0" "0\0SCGI\0" "1\0BODY_LENGTH\0-1\0"), "BODY_LENGTH" },
    };
    char room[256];

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t  all = netstring(room, sizeof(room), rows[i].head);
        dff_scgi_t scgi = { 0 };
        dff_err_t  err = { 0 };

        /* "0:," has no head at all */
        assert_int_equal(dff_scgi_feed(&scgi, &all, &err), DFF_ERROR);
        if (rows[i].head.len > 0 && strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.message);
        dff_scgi_release(&scgi);
    }
}

static void
what_is_no_netstring_is_refused(void **state)
{
    static const char *const rows[] = {
        ":", "x", "-1:", " 5:", "05:", "123456:", "65537:", "99999:", "GET / HTTP/1.1",
        "3:abcd", "25:CONTENT_LENGTH",
    };

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t  bytes = dff_str_from(rows[i]);
        dff_scgi_t scgi = { 0 };
        dff_err_t  err = { 0 };
        int        rc = dff_scgi_feed(&scgi, &bytes, &err);

        assert_int_equal(rc, i + 1 == DFF_TEST_COUNT(rows) ? 0 : DFF_ERROR);   /* the last is cut */
        assert_true(rc == 0 || err.reason == DFF_E_CLIENT_BAD_REQUEST);
        dff_scgi_release(&scgi);
    }
}

static void
more_pairs_than_allowed_are_refused(void **state)
{
    size_t     size = 16 + (DFF_SCGI_PAIRS_MAX + 1) * 4;
    char      *head = calloc(1, size), *room = calloc(1, size + 16);
    dff_str_t  all;
    dff_scgi_t scgi = { 0 };
    size_t     len = sizeof("CONTENT_LENGTH\0" "0\0SCGI\0" "1") ;

    (void) state;
    memcpy(head, "CONTENT_LENGTH\0" "0\0SCGI\0" "1", len);
    for (size_t i = 2; i <= DFF_SCGI_PAIRS_MAX; i++, len += 4)
        memcpy(head + len, "a\0b", 4);
    all = netstring(room, size + 16, (dff_str_t) { head, len });
    assert_int_equal(dff_scgi_feed(&scgi, &all, NULL), DFF_ERROR);
    dff_scgi_release(&scgi);
    free(head);
    free(room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_in_pieces_of_any_size),
        cmocka_unit_test(what_the_client_has_announced_is_the_body),
        cmocka_unit_test(bad_heads_are_refused),
        cmocka_unit_test(what_is_no_netstring_is_refused),
        cmocka_unit_test(more_pairs_than_allowed_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
