/* The Authorization header: what is read, and bytes that must be refused. */
#include "dff_http_auth.h"

#include "dff_err.h"
#include "dff_test.h"

#include "dff_banned.h"

#define GOOD  "username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/x\", response=\"0a\", qop=auth, " \
              "nc=00000001, cnonce=\"c\""

/* Reads exact heap copies with exact room, so that a sanitizer sees one byte too far. */
static int
read_digest(dff_str_t text, dff_http_digest_t *digest, char **room, const char **what)
{
    *room = malloc(text.len == 0 ? 1 : text.len);
    assert_non_null(*room);
    return dff_http_auth_digest(text, *room, digest, what);
}

static void
schemes_are_known_in_any_case_and_only_with_a_space_behind(void **state)
{
    static const struct { const char *header, *rest; } rows[] = {
        { "Basic dTpw", "dTpw" }, { "bAsIC   dTpw  ", "dTpw" }, { "Basic ", "" },
        { "Basic", NULL }, { "", NULL }, { "Basicx dTpw", NULL }, { "Basi dTpw", NULL },
        { "Basic\tdTpw", NULL }, { " Basic dTpw", NULL },
    };
    dff_str_t rest;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t header = dff_test_exact(dff_str_from(rows[i].header));

        assert_int_equal(dff_http_auth_is(header, DFF_STR("Basic"), &rest), rows[i].rest != NULL);
        if (rows[i].rest != NULL)
            dff_test_str_is(rest, rows[i].rest);
        dff_test_free(header);
    }
}

static void
basic_credentials_are_read_or_refused(void **state)
{
    static const struct { const char *text, *username, *password; } rows[] = {
        { "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },     /* RFC 7617 */
        { "dGVzdDoxMjPCow==", "test", "123\xc2\xa3" },                    /* RFC 7617 */
        { "dGVzdDoxMjPCow", "test", "123\xc2\xa3" },                      /* no padding */
        { "dTpwOnE=", "u", "p:q" },                                       /* first colon */
        { "Og==", "", "" },
        { "", NULL, NULL }, { "dQ==", NULL, NULL },                       /* no colon */
        { "=", NULL, NULL }, { "====", NULL, NULL }, { "d===", NULL, NULL },
        { "dTpw=", NULL, NULL }, { "dTpwOn", NULL, NULL },                /* bits left over */
        { "dTp\nw", NULL, NULL }, { "dT:w", NULL, NULL }, { "dTpw dTpw", NULL, NULL },
        { "dTpw=x==", NULL, NULL }, { "dToA", NULL, NULL },               /* NUL */
        { "dTp/", NULL, NULL },                                           /* DEL */
    };
    const char *what;
    dff_str_t   username, password;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t text = dff_test_exact(dff_str_from(rows[i].text));
        char     *room = malloc(text.len == 0 ? 1 : text.len);
        int       rc = dff_http_auth_basic(text, room, &username, &password, &what);

        if (rc != (rows[i].username == NULL ? DFF_ERROR : DFF_OK))
            fail_msg("<%s> gave %d", rows[i].text, rc);
        if (rc == DFF_OK) {
            dff_test_str_is(username, rows[i].username);
            dff_test_str_is(password, rows[i].password);
        } else {
            assert_non_null(what);
        }
        free(room);
        dff_test_free(text);
    }
}

static void
a_digest_is_read_with_its_escapes(void **state)
{
    static const char text[] =
        " ,, USERNAME=\"J\\\"\\\\a b\" ,realm = \"r:1\",nonce=\"n,=\",\turi=\"/a?b=\\c,\","
        "response=\"ff\",algorithm=sha-256,qop=\"auth\",nc=0000000A,cnonce=\"\\\"\","
        "opaque=\"o\",userhash=false,more=x,";
    dff_http_digest_t digest;
    dff_str_t         exact = dff_test_exact(DFF_STR(text));
    const char       *what;
    char             *room;

    (void) state;
    assert_int_equal(read_digest(exact, &digest, &room, &what), DFF_OK);
    dff_test_str_is(digest.username, "J\"\\a b");
    dff_test_str_is(digest.realm, "r:1");
    dff_test_str_is(digest.nonce, "n,=");
    dff_test_str_is(digest.uri, "/a?b=c,");
    dff_test_str_is(digest.response, "ff");
    dff_test_str_is(digest.cnonce, "\"");
    dff_test_str_is(digest.nc_text, "0000000A");
    assert_int_equal(digest.nc, 10);
    assert_int_equal(digest.algorithm, DFF_DIGEST_SHA256);
    free(room);
    dff_test_free(exact);
}

static void
a_digest_names_its_user_in_one_of_two_ways(void **state)
{
    static const char    tail[] = ", realm=r, nonce=n, uri=\"/\", response=0, qop=auth, "
                                  "nc=00000001, cnonce=c";
    static const struct { const char *user, *name; } rows[] = {
        { "username*=UTF-8''J%C3%A4s%c3%b8n", "J\xc3\xa4s\xc3\xb8n" },      /* RFC 7616 */
        { "username*=utf-8'en'a", "a" }, { "username=\"\"", "" },
        { "username*=UTF-8'a", NULL }, { "username*=a", NULL },
        { "username*=ISO-8859-1''a", NULL }, { "username*=UTF-8''%4", NULL },
        { "username*=UTF-8''%zz", NULL }, { "username*=UTF-8''a%00", NULL },
        { "username*=\"UTF-8''a\"", NULL }, { "username=a, username*=UTF-8''a", NULL },
        { "username=a, username=a", NULL }, { "x=y", NULL },
    };
    dff_http_digest_t    digest;
    const char          *what;
    char                *room, text[256];

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t exact;
        int       rc;

        (void) snprintf(text, sizeof(text), "%s%s", rows[i].user, tail);
        exact = dff_test_exact(dff_str_from(text));
        rc = read_digest(exact, &digest, &room, &what);
        if (rc != (rows[i].name == NULL ? DFF_ERROR : DFF_OK))
            fail_msg("<%s> gave %d", text, rc);
        if (rc == DFF_OK) {
            dff_test_str_is(digest.username, rows[i].name);
            assert_int_equal(digest.algorithm, DFF_DIGEST_MD5);
        }
        free(room);
        dff_test_free(exact);
    }
}

static void
a_digest_that_breaks_a_rule_is_refused(void **state)
{
    static const struct { const char *text, *what; } rows[] = {
        { "", "missing" }, { ",", "missing" }, { "username", "name=value" },
        { "=\"x\"", "name=value" }, { "a b=c", "name=value" }, { "a=", "no value" },
        { "a=,b=c", "no value" }, { "a=\"x", "without an end" }, { "a=\"x\\", "without an end" },
        { "a=\"x\" b=c", "','" }, { "a=\"x\ny\"", "control character" },
        { "a=\"x\\\x01\"", "control character" }, { "a=\"\x7f\"", "control character" },
        { GOOD ", nc=00000002", "twice" }, { GOOD ", NONCE=\"m\"", "twice" },
        { GOOD ", algorithm=MD5-sess", "not offered" }, { GOOD ", algorithm=\"\"", "not offered" },
        { GOOD ", userhash=true", "userhash" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,qop=auth-int,nc=00000001,cnonce=c", "qop" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,nc=00000001,cnonce=c", "missing" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,qop=auth,nc=1,cnonce=c", "nc must" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,qop=auth,nc=0000000g,cnonce=c", "nc must" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,qop=auth,nc=00000000,cnonce=c", "from 1" },
        { "username=u,realm=r,nonce=n,uri=u,response=0,qop=auth,nc=00000001,cnonce=\"\"",
          "missing" },
    };
    dff_http_digest_t digest;
    const char       *what;
    char             *room;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t exact = dff_test_exact(dff_str_from(rows[i].text));

        assert_int_equal(read_digest(exact, &digest, &room, &what), DFF_ERROR);
        if (strstr(what, rows[i].what) == NULL)
            fail_msg("<%s>: expected \"%s\", got \"%s\"", rows[i].text, rows[i].what, what);
        free(room);
        dff_test_free(exact);
    }
}

static void
too_long_credentials_are_not_read(void **state)
{
    dff_http_digest_t digest;
    dff_str_t         username, password;
    const char       *what;
    char             *room, *text = malloc(DFF_HTTP_AUTH_MAX + 1);

    (void) state;
    memset(text, 'A', DFF_HTTP_AUTH_MAX + 1);
    room = malloc(DFF_HTTP_AUTH_MAX + 1);
    assert_int_equal(dff_http_auth_digest((dff_str_t) { text, DFF_HTTP_AUTH_MAX + 1 }, room,
        &digest, &what), DFF_ERROR);
    assert_non_null(strstr(what, "too long"));
    assert_int_equal(dff_http_auth_basic((dff_str_t) { text, DFF_HTTP_AUTH_MAX + 1 }, room,
        &username, &password, &what), DFF_ERROR);
    assert_non_null(strstr(what, "too long"));
    free(room);
    free(text);
}

/* Every prefix, and every byte changed to every other kind of byte. */
static void
mangled_digests_never_read_or_write_beyond_their_bytes(void **state)
{
    static const char     good[] = GOOD ", algorithm=MD5, username*=UTF-8''a%41\\\"";
    static const char     bytes[] = { '"', '\\', ',', '=', '%', '\'', ' ', 'a', 0, (char) 0xff };
    dff_http_digest_t     digest;
    const char           *what;
    char                 *room, mangled[sizeof(good)];

    (void) state;
    for (size_t i = 0; i < sizeof(good); i++) {
        dff_str_t exact = dff_test_exact((dff_str_t) { good, i });

        (void) read_digest(exact, &digest, &room, &what);
        free(room);
        dff_test_free(exact);
        for (size_t k = 0; i < sizeof(good) - 1 && k < sizeof(bytes); k++) {
            memcpy(mangled, good, sizeof(good));
            mangled[i] = bytes[k];
            exact = dff_test_exact((dff_str_t) { mangled, sizeof(good) - 1 });
            (void) read_digest(exact, &digest, &room, &what);
            free(room);
            dff_test_free(exact);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes_are_known_in_any_case_and_only_with_a_space_behind),
        cmocka_unit_test(basic_credentials_are_read_or_refused),
        cmocka_unit_test(a_digest_is_read_with_its_escapes),
        cmocka_unit_test(a_digest_names_its_user_in_one_of_two_ways),
        cmocka_unit_test(a_digest_that_breaks_a_rule_is_refused),
        cmocka_unit_test(too_long_credentials_are_not_read),
        cmocka_unit_test(mangled_digests_never_read_or_write_beyond_their_bytes),
    };

    return cmocka_run_group_tests_name("dff_http_auth", tests, NULL, NULL);
}
