/* Proofs, responses and nonces, against the examples of the RFCs. */
#include "dff_auth_proof.h"

#include "dff_http_nonce.h"
#include "dff_test.h"

#include "dff_banned.h"

#define SECRET  DFF_STR("a secret of the tests")

/* RFC 7616, 3.9.1: the same request by both algorithms. */
static void
responses_are_those_of_the_rfc(void **state)
{
    static const struct { dff_digest_t kind; const char *response; } rows[] = {
        { DFF_DIGEST_MD5, "8ca523f5e9506fed4657c9700eebdbec" },
        { DFF_DIGEST_SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
    };
    dff_http_digest_t digest = {
        .nonce = DFF_STR("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
        .uri = DFF_STR("/dir/index.html"), .nc_text = DFF_STR("00000001"),
        .cnonce = DFF_STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
    };
    char a1[DFF_DIGEST_SIZE_MAX], response[DFF_DIGEST_SIZE_MAX];

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_auth_a1(a1, rows[i].kind, DFF_STR("Mufasa"),
            DFF_STR("http-auth@example.org"), DFF_STR("Circle of Life"), NULL), DFF_OK);
        digest.algorithm = rows[i].kind;
        assert_int_equal(dff_auth_response(response, dff_str_from(a1), &digest, DFF_STR("GET"),
            NULL), DFF_OK);
        assert_string_equal(response, rows[i].response);
        assert_int_equal(dff_auth_response(response, dff_str_from(a1), &digest, DFF_STR("POST"),
            NULL), DFF_OK);
        assert_string_not_equal(response, rows[i].response);
    }
}

static void
a_realm_names_the_link_and_its_kind(void **state)
{
    char realm[DFF_AUTH_REALM_SIZE];

    (void) state;
    assert_int_equal(dff_auth_realm(realm, DFF_ROUTE_AUTH_LINK, DFF_STR("auln-x")), 15);
    assert_string_equal(realm, "AuthLink:auln-x");
    (void) dff_auth_realm(realm, DFF_ROUTE_BATCH, DFF_STR("bat-x"));
    assert_string_equal(realm, "Batch:bat-x");
}

static void
types_and_locations_are_told_by_their_names_only(void **state)
{
    (void) state;
    for (int i = 0; i < DFF_AUTH_TYPE_COUNT; i++)
        assert_int_equal(dff_auth_type_from(dff_str_from(dff_auth_type_name((dff_auth_type_t) i))),
            i);
    for (int i = 0; i < DFF_AUTH_LOCATION_COUNT; i++) {
        assert_int_equal(dff_auth_location_from(dff_str_from(
            dff_auth_location_name((dff_auth_location_t) i))), i);
    }
    assert_int_equal(dff_auth_type_from(DFF_STR("missing")), -1);
    assert_int_equal(dff_auth_type_from(DFF_STR_NULL), -1);
    assert_int_equal(dff_auth_location_from(DFF_STR("Header")), -1);
}

static void
a_fields_proof_depends_on_secret_api_auth_and_value(void **state)
{
    static const struct { const char *secret, *id, *value; } rows[] = {
        { "s", "apia-1", "v" }, { "t", "apia-1", "v" }, { "s", "apia-2", "v" },
        { "s", "apia-1", "w" }, { "s", "apia-1v", "" }, { "s", "apia-", "1v" },
    };
    char          made[DFF_TEST_COUNT(rows)][DFF_MAC_SIZE];
    unsigned char key[DFF_MAC_KEY_SIZE];

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_auth_field_key(key, dff_str_from(rows[i].secret), NULL), DFF_OK);
        assert_int_equal(dff_auth_field(made[i], key, dff_str_from(rows[i].id),
            dff_str_from(rows[i].value), NULL), DFF_OK);
        assert_int_equal(strlen(made[i]), 64);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(made[i], made[k]);
    }
    assert_int_equal(dff_auth_field_key(key, DFF_STR_NULL, NULL), DFF_ERROR);
}

static void
a_nonce_is_good_for_its_realm_and_its_time(void **state)
{
    static const struct { const char *realm; int64_t age_ms; dff_http_nonce_state_t expected; }
    rows[] = {
        { "AuthLink:a", 0, DFF_HTTP_NONCE_GOOD }, { "AuthLink:a", 300000, DFF_HTTP_NONCE_GOOD },
        { "AuthLink:a", 300001, DFF_HTTP_NONCE_OLD }, { "AuthLink:a", -60000, DFF_HTTP_NONCE_GOOD },
        { "AuthLink:a", -60001, DFF_HTTP_NONCE_OLD }, { "AuthLink:b", 0, DFF_HTTP_NONCE_FOREIGN },
        { "", 0, DFF_HTTP_NONCE_FOREIGN },
    };
    const int64_t   now = 1700000000000;
    unsigned char   key[DFF_MAC_KEY_SIZE];
    dff_id_source_t ids;
    char            nonce[DFF_HTTP_NONCE_SIZE], other[DFF_HTTP_NONCE_SIZE];

    (void) state;
    dff_id_source_init(&ids);
    assert_int_equal(dff_http_nonce_key(key, SECRET, NULL), DFF_OK);
    assert_int_equal(dff_http_nonce_make(nonce, key, DFF_STR("AuthLink:a"), &ids, now), 66);
    assert_int_equal(dff_http_nonce_make(other, key, DFF_STR("AuthLink:a"), &ids, now), 66);
    assert_string_not_equal(nonce, other);

    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_http_nonce_check(dff_str_from(nonce), key, dff_str_from(rows[i].realm),
            now + rows[i].age_ms, 300), rows[i].expected);
    }
}

static void
a_forged_nonce_is_foreign(void **state)
{
    unsigned char   key[DFF_MAC_KEY_SIZE];
    dff_id_source_t ids;
    dff_str_t       exact;
    char            nonce[DFF_HTTP_NONCE_SIZE];

    (void) state;
    dff_id_source_init(&ids);
    assert_int_equal(dff_http_nonce_key(key, SECRET, NULL), DFF_OK);
    assert_int_equal(dff_http_nonce_make(nonce, key, DFF_STR("r"), &ids, 1), 66);
    for (size_t i = 0; i < sizeof(nonce) - 1; i++) {
        char was = nonce[i];

        nonce[i] = was == 'f' ? 'e' : 'f';
        assert_int_equal(dff_http_nonce_check(dff_str_from(nonce), key, DFF_STR("r"), 1, 300),
            DFF_HTTP_NONCE_FOREIGN);
        nonce[i] = was;
        exact = dff_test_exact((dff_str_t) { nonce, i });
        assert_int_equal(dff_http_nonce_check(exact, key, DFF_STR("r"), 1, 300),
            DFF_HTTP_NONCE_FOREIGN);
        dff_test_free(exact);
    }
    assert_int_equal(dff_http_nonce_key(key, DFF_STR("another secret"), NULL), DFF_OK);
    assert_int_equal(dff_http_nonce_check(dff_str_from(nonce), key, DFF_STR("r"), 1, 300),
        DFF_HTTP_NONCE_FOREIGN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_those_of_the_rfc),
        cmocka_unit_test(a_realm_names_the_link_and_its_kind),
        cmocka_unit_test(types_and_locations_are_told_by_their_names_only),
        cmocka_unit_test(a_fields_proof_depends_on_secret_api_auth_and_value),
        cmocka_unit_test(a_nonce_is_good_for_its_realm_and_its_time),
        cmocka_unit_test(a_forged_nonce_is_foreign),
    };

    return cmocka_run_group_tests_name("dff_auth_proof", tests, NULL, NULL);
}
