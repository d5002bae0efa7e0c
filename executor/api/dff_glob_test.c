/* Patterns. */
#include "api/dff_glob.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
patterns_match_as_in_redis(void **state)
{
    static const struct { const char *pattern, *text; bool match; } cases[] = {
        { "*", "", true }, { "*", "anything", true }, { "", "", true }, { "", "a", false },
        { "a*", "abc", true }, { "a*", "bac", false }, { "*c", "abc", true },
        { "*c", "abcd", false },
        { "a*b*c", "a1b2b3c", true }, { "a*b*c", "acb", false }, { "**", "x", true },
        { "a?c", "abc", true }, { "a?c", "ac", false }, { "?", "\xc3\xa4", true },
        { "??", "\xc3\xa4", false }, { "[abc]x", "bx", true }, { "[abc]x", "dx", false },
        { "[^abc]x", "dx", true }, { "[^abc]x", "ax", false }, { "[a-c]", "b", true },
        { "[a-c]", "d", false }, { "[\\]]", "]", true }, { "\\*", "*", true },
        { "\\*", "x", false }, { "a\\", "a\\", true }, { "[a", "a", true }, { "[", "a", false },
        { "k[0-9]*", "k1", true }, { "k[0-9]*", "kx", false },
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (dff_glob_match(dff_str_from(cases[i].pattern), dff_str_from(cases[i].text))
            != cases[i].match)
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
    }
}

static void
many_stars_cost_no_time(void **state)
{
    char   text[4096], pattern[256];
    size_t i;

    (void) state;
    memset(text, 'a', sizeof(text));
    for (i = 0; i + 2 < sizeof(pattern); i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[i] = 'b';
    assert_false(dff_glob_match((dff_str_t) { pattern, i + 1 },
                                (dff_str_t) { text, sizeof(text) }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_redis),
        cmocka_unit_test(many_stars_cost_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
