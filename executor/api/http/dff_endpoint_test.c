/* The table of routes: each row is sound, and is what a request for it finds. */
#include "api/http/dff_endpoint.h"
#include "api/rest/dff_entity.h"

#include "dff_test.h"

#include "dff_banned.h"

/* A request for a path of plain segments. */
static void
ask(dff_web_request_t *request, dff_web_method_t method, const char *path)
{
    *request = (dff_web_request_t) { .method = method };
    while (*path == '/') {
        size_t len = strcspn(++path, "/");

        request->segments[request->nsegments++] = (dff_str_t) { path, len };
        path += len;
    }
}

/* The pattern with "value" for each parameter. */
static void
fill(char *out, size_t size, const char *pattern)
{
    size_t len = 0;

    while (*pattern != '\0' && len + 8 < size) {
        if (*pattern == ':' || *pattern == '*') {
            len += (size_t) snprintf(out + len, size - len, "value");
            pattern += strcspn(pattern, "/");
        } else {
            out[len++] = *pattern++;
        }
    }
    out[len] = '\0';
}

static void
each_row_is_sound(void **state)
{
    const dff_endpoint_t *row;

    (void) state;
    for (size_t i = 0; (row = dff_endpoint_at(i)) != NULL; i++) {
        assert_true(strncmp(row->pattern, "/api/v1/", 8) == 0);
        assert_true(row->title != NULL && row->title[0] != '\0');
        assert_non_null(row->handler);
        assert_true(row->methods != 0 && (row->methods & ~(DFF_WEB_GET | DFF_WEB_POST)) == 0);
        assert_true(row->privilege < DFF_PRIVILEGE_COUNT);
        /* who is nobody has no privilege */
        assert_true(row->sign_in != DFF_SIGN_IN_NONE || row->privilege == DFF_PRIVILEGE_NONE);
        assert_true(row->sink == NULL || (row->flags & DFF_ENDPOINT_UPLOAD) != 0);
        assert_true(row->body == NULL || row->body->count <= DFF_SHAPE_PROPS_MAX);
        /* what it answers is told, or is a row or rows of its entity, or no JSON of ours */
        if (row->answer == NULL && row->handler != dff_entity_list
            && row->handler != dff_entity_get
            && (row->flags & (DFF_ENDPOINT_ROW | DFF_ENDPOINT_RAW)) == 0)
            fail_msg("%s does not say what it answers", row->pattern);
        assert_true((row->flags & DFF_ENDPOINT_ROW) == 0 || row->entity != NULL);
    }
}

static void
each_row_is_found_by_its_path_and_no_other_method(void **state)
{
    const dff_endpoint_t *row;

    (void) state;
    for (size_t i = 0; (row = dff_endpoint_at(i)) != NULL; i++) {
        for (unsigned bit = DFF_WEB_GET; bit <= DFF_WEB_OTHER; bit <<= 1) {
            dff_web_request_t     request;
            const dff_endpoint_t *found;
            dff_str_t             params[8];
            char                  path[256];
            unsigned              allowed;

            fill(path, sizeof(path), row->pattern);
            ask(&request, (dff_web_method_t) bit, path);
            found = dff_endpoint_find(&request, params, &allowed);
            assert_true((allowed & row->methods) == row->methods);
            if ((row->methods & bit) != 0 && found != row)
                fail_msg("%s finds %s", row->pattern, found == NULL ? "nothing" : found->pattern);
            if ((allowed & bit) == 0)
                assert_null(found);
        }
    }
}

static void
a_literal_wins_over_a_parameter(void **state)
{
    static const struct {
        const char *path, *pattern;
    } rows[] = {
        { "/api/v1/func/overview", "/api/v1/func/overview" },
        { "/api/v1/func/a__b.c", "/api/v1/func/:funcId" },
        { "/api/v1/scripts/do/list", "/api/v1/scripts/do/list" },
        { "/api/v1/scripts/do/do/get", "/api/v1/scripts/:id/do/get" },
        { "/api/v1/func-caches/do/list", "/api/v1/func-caches/do/list" },
        { "/api/v1/fs/x", "/api/v1/fs/:id/*" }, { "/api/v1/fs/x/a/b/c", "/api/v1/fs/:id/*" },
    };

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_web_request_t     request;
        const dff_endpoint_t *found;
        dff_str_t             params[8];
        unsigned              allowed;

        ask(&request, DFF_WEB_GET, rows[i].path);
        found = dff_endpoint_find(&request, params, &allowed);
        if (found == NULL || strcmp(found->pattern, rows[i].pattern) != 0)
            fail_msg("%s finds %s", rows[i].path, found == NULL ? "nothing" : found->pattern);
    }
}

static void
what_is_no_route_finds_nothing(void **state)
{
    static const char *const rows[] = {
        "/", "/api", "/api/v1", "/api/v1/", "/API/v1/scripts/do/list", "/api/V1/scripts/do/list",
        "/api/v1/Scripts/do/list", "/api/v1/scripts/do/list/", "/api/v1/scripts/do/list/x",
        "/api/v1//scripts/do/list", "/api/v1/scripts//do/get", "/api/v1/scripts/x/do/",
        "/api/v2/scripts/do/list",
    };

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_web_request_t request;
        dff_str_t         params[8];
        unsigned          allowed = 1;

        ask(&request, DFF_WEB_GET, rows[i]);
        if (dff_endpoint_find(&request, params, &allowed) != NULL || allowed != 0)
            fail_msg("%s finds something", rows[i]);
    }
}

static void
parameters_are_what_stands_there(void **state)
{
    dff_web_request_t request;
    dff_str_t         params[8];
    unsigned          allowed;

    (void) state;
    ask(&request, DFF_WEB_GET, "/api/v1/func-caches/one/two/do/get");
    assert_non_null(dff_endpoint_find(&request, params, &allowed));
    dff_test_str_is(params[0], "one");
    dff_test_str_is(params[1], "two");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_sound),
        cmocka_unit_test(each_row_is_found_by_its_path_and_no_other_method),
        cmocka_unit_test(a_literal_wins_over_a_parameter),
        cmocka_unit_test(what_is_no_route_finds_nothing),
        cmocka_unit_test(parameters_are_what_stands_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
