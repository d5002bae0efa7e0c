/* Tests of password hashes and digests. */
#include "store/dff_password.h"

#include "dff_test.h"
#include "dff_digest.h"


static void
a_hash_matches_its_password_only(void **state)
{
    char      hash[DFF_PASSWORD_HASH_SIZE], again[DFF_PASSWORD_HASH_SIZE];
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_password_hash(hash, "s3cret \xe4\xbd\xa0", &err), DFF_OK);
    assert_int_equal(strncmp(hash, "$y$", 3), 0);
    assert_true(dff_password_matches("s3cret \xe4\xbd\xa0", hash));
    assert_false(dff_password_matches("s3cret", hash));
    assert_false(dff_password_matches("", hash));

    assert_int_equal(dff_password_hash(again, "s3cret \xe4\xbd\xa0", &err), DFF_OK);
    assert_string_not_equal(hash, again);       /* another salt */
}


static void
what_is_no_hash_matches_nothing(void **state)
{
    (void) state;
    assert_false(dff_password_matches("x", ""));
    assert_false(dff_password_matches("x", "*0"));
    assert_false(dff_password_matches("x", "*1"));
    assert_false(dff_password_matches("x", "x"));
    assert_false(dff_password_matches("x", "$y$j9T$"));
}


static void
digests_are_lower_case_hex(void **state)
{
    char      md5[DFF_DIGEST_MD5_SIZE], sha256[DFF_DIGEST_SHA256_SIZE];
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_digest_md5(md5, DFF_STR_NULL, &err), DFF_OK);
    assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(dff_digest_sha256(sha256, DFF_STR("abc"), &err), DFF_OK);
    assert_string_equal(sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_matches_its_password_only),
        cmocka_unit_test(what_is_no_hash_matches_nothing),
        cmocka_unit_test(digests_are_lower_case_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
