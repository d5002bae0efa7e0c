/* Which headers are ours, and which a function may give. */
#include "dff_own_header.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
names_are_known_in_any_case_of_letters_and_only_whole(void **state)
{
    static const struct {
        const char *name;
        bool        own;
    } rows[] = {
        { "", false },
        { "Content-Length", true },
        { "cOnTeNt-lEnGtH", true },
        { "Content-Length2", false },
        { "Content-Lengt", false },
        { "TRANSFER-ENCODING", true },
        { "te", true },
        { "ten", false },
        { "Trailers", false },
        { "x-accel-redirect", true },
        { "X-Accel-", true },
        { "X-Accel", false },
        { "X-Acceleration", false },
        { "x-trace-id", true },
        { "access-control-allow-origin", true },
        { "Access-Control-Expose-Headers", false },
        { "Date", false },
        { "Server", false },
        { "X-Mine", false },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (dff_own_header(rows[i].name) != rows[i].own)
            fail_msg("\"%s\"", rows[i].name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known_in_any_case_of_letters_and_only_whole),
    };

    return cmocka_run_group_tests_name("dff_own_header", tests, NULL, NULL);
}
