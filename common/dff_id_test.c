/* Making identifiers, and telling good ones from bad. */
#include "dff_id.h"

#include "dff_envelope.h"
#include "dff_test.h"

#include "dff_banned.h"

static void
a_made_id_has_its_prefix_and_22_characters(void **state)
{
    dff_id_source_t source;
    char            id[DFF_ID_SIZE];
    size_t          len;

    (void) state;
    dff_id_source_init(&source);
    len = dff_id_make(&source, id, "task-");
    assert_int_equal(len, 5 + 22);
    assert_int_equal(strlen(id), len);
    assert_memory_equal(id, "task-", 5);
    assert_true(dff_id_is_link((dff_str_t) { id, len }));
    assert_int_equal(dff_id_make(&source, id, ""), 22);
    assert_int_equal(dff_id_make(&source, id, "a-prefix-that-is-too-long-"), 16 + 22);
}

static int
compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, DFF_ID_SIZE);
}

static void
made_ids_differ_and_use_all_characters_alike(void **state)
{
    enum { COUNT = 20000 };
    dff_id_source_t source;
    char            (*ids)[DFF_ID_SIZE] = calloc(COUNT, DFF_ID_SIZE);
    size_t          seen[256] = { 0 }, i, j, used = 0, mean = COUNT * 22 / 62;

    (void) state;
    assert_non_null(ids);
    dff_id_source_init(&source);
    for (i = 0; i < COUNT; i++) {
        assert_int_equal(dff_id_make(&source, ids[i], ""), 22);
        for (j = 0; j < 22; j++)
            seen[(unsigned char) ids[i][j]]++;
    }
    for (i = 0; i < 256; i++) {
        if (seen[i] == 0)
            continue;
        used++;
        /* 84 is one standard deviation: 10 of them do not happen by chance, and
         * bytes modulo 62 would make eight characters a quarter more frequent. */
        assert_in_range(seen[i], mean - 840, mean + 840);
    }
    assert_int_equal(used, 62);
    qsort(ids, COUNT, DFF_ID_SIZE, compare_ids);
    for (i = 1; i < COUNT; i++)
        assert_true(memcmp(ids[i], ids[i - 1], DFF_ID_SIZE) != 0);
    free(ids);
}

static void
randomness_is_wiped_as_it_is_used(void **state)
{
    dff_id_source_t source;
    char            id[DFF_ID_SIZE];
    size_t          i;

    (void) state;
    dff_id_source_init(&source);
    assert_true(dff_id_make(&source, id, "") > 0);
    assert_true(source.left < sizeof(source.bytes));
    for (i = source.left; i < sizeof(source.bytes); i++)
        assert_int_equal(source.bytes[i], 0);
}

static void
a_trace_id_is_an_upper_case_uuid_version_4(void **state)
{
    static const char form[] = "TRACE-xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    dff_id_source_t   source;
    char              id[DFF_TRACE_ID_SIZE];
    size_t            round, i;

    (void) state;
    dff_id_source_init(&source);
    for (round = 0; round < 200; round++) {
        assert_int_equal(dff_id_make_trace(&source, id), sizeof(form) - 1);
        assert_int_equal(id[sizeof(form) - 1], '\0');
        for (i = 0; i < sizeof(form) - 1; i++) {
            if (form[i] == 'x')
                assert_non_null(strchr("0123456789ABCDEF", id[i]));
            else if (form[i] == 'y')
                assert_non_null(strchr("89AB", id[i]));
            else
                assert_int_equal(id[i], form[i]);
        }
        assert_true(dff_id_is_trace(dff_str_from(id)));
    }
}

#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10

static void
ids_are_told_apart(void **state)
{
    static const struct {
        dff_str_t id;
        bool      script, func, link, trace;
    } rows[] = {
        { DFF_STR(""), false, false, false, false },
        { DFF_STR("."), false, false, true, true },
        { DFF_STR("__"), false, false, true, true },
        { DFF_STR("__b"), false, false, true, true },
        { DFF_STR("a__"), false, false, true, true },
        { DFF_STR("a_b"), false, false, true, true },
        { DFF_STR("a__b"), true, false, true, true },
        { DFF_STR("_a__b__c"), true, false, true, true },
        { DFF_STR("a___b"), true, false, true, true },
        { DFF_STR("___b"), false, false, true, true },
        { DFF_STR("1a__b"), false, false, true, true },
        { DFF_STR("a__1b"), false, false, true, true },
        { DFF_STR("a__b."), false, false, true, true },
        { DFF_STR(".a__b"), false, false, true, true },
        { DFF_STR("a__b.c"), false, true, true, true },
        { DFF_STR("a__b.c.d"), false, false, true, true },
        { DFF_STR("a__b.1c"), false, false, true, true },
        { DFF_STR("a__b.c-d"), false, false, true, true },
        { DFF_STR("a.b__c"), false, false, true, true },
        { DFF_STR("a__b.c "), false, false, false, false },
        { DFF_STR("a__b\0"), false, false, false, false },
        { DFF_STR("a\0__b"), false, false, false, false },
        { DFF_STR("a__b.\xc3\xa4"), false, false, false, false },
        { DFF_STR("auln-0123.ABC_x"), false, false, true, true },
        { DFF_STR("a/b"), false, false, false, true },
        { DFF_STR("a\"b"), false, false, false, false },
        { DFF_STR("a\\b"), false, false, false, false },
        { DFF_STR("a b"), false, false, false, false },
        { DFF_STR("a\x7f"), false, false, false, false },
        { DFF_STR("a\n"), false, false, false, false },
        { DFF_STR(X50 "__xxxxxxxxxxxx"), true, false, true, true },           /* 64 */
        { DFF_STR(X50 "__xxxxxxxxxxxxx"), false, false, false, true },        /* 65 */
        { DFF_STR("a__b." X50 X50 X50 X50 X50 "x"), false, true, false, false },   /* 256 */
        { DFF_STR("a__b." X50 X50 X50 X50 X50 "xx"), false, false, false, false },
        { DFF_STR(X50 X50 X10 X10 "xxxxxxxx"), false, false, false, true },   /* 128 */
        { DFF_STR(X50 X50 X10 X10 "xxxxxxxxx"), false, false, false, false },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t id = dff_test_exact(rows[i].id);

        if (dff_id_is_script(id) != rows[i].script || dff_id_is_func(id) != rows[i].func
            || dff_id_is_link(id) != rows[i].link || dff_id_is_trace(id) != rows[i].trace)
        {
            fail_msg("row %zu <%s>: script %d, func %d, link %d, trace %d", i, rows[i].id.data,
                dff_id_is_script(id), dff_id_is_func(id), dff_id_is_link(id), dff_id_is_trace(id));
        }
        dff_test_free(id);
    }
    assert_false(dff_id_is_script(DFF_STR_NULL) || dff_id_is_func(DFF_STR_NULL)
        || dff_id_is_link(DFF_STR_NULL) || dff_id_is_trace(DFF_STR_NULL));
}

static void
a_chain_is_function_ids_with_a_comma_between_two(void **state)
{
    static const struct {
        dff_str_t text;
        bool      is_chain;
    } rows[] = {
        { DFF_STR("a__b.f"), true },           { DFF_STR("a__b.f,c__d.g,a__b.f"), true },
        { DFF_STR(""), false },                { DFF_STR("a__b"), false },
        { DFF_STR("a__b.f,"), false },         { DFF_STR(",a__b.f"), false },
        { DFF_STR("a__b.f,,a__b.g"), false },  { DFF_STR("a__b.f, a__b.g"), false },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t text = dff_test_exact(rows[i].text);

        if (dff_id_is_chain(text) != rows[i].is_chain)
            fail_msg("row %zu <%s>", i, rows[i].text.data);
        dff_test_free(text);
    }
    assert_false(dff_id_is_chain(DFF_STR_NULL));
}

static void
the_script_of_a_function_is_before_the_dot(void **state)
{
    (void) state;
    dff_test_str_is(dff_id_func_script(DFF_STR("demo__basic.plus")), "demo__basic");
    dff_test_str_is(dff_id_func_script(DFF_STR("demo__basic")), "demo__basic");
    dff_test_str_is(dff_id_func_script(DFF_STR("")), "");
    dff_test_str_is(dff_id_func_script(DFF_STR_NULL), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_id_has_its_prefix_and_22_characters),
        cmocka_unit_test(made_ids_differ_and_use_all_characters_alike),
        cmocka_unit_test(randomness_is_wiped_as_it_is_used),
        cmocka_unit_test(a_trace_id_is_an_upper_case_uuid_version_4),
        cmocka_unit_test(ids_are_told_apart),
        cmocka_unit_test(a_chain_is_function_ids_with_a_comma_between_two),
        cmocka_unit_test(the_script_of_a_function_is_before_the_dot),
    };

    return cmocka_run_group_tests_name("dff_id", tests, NULL, NULL);
}
