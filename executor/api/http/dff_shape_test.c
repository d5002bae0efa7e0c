/* Shapes of bodies: what each type takes, and where a message says it went wrong. */
#include "api/http/dff_shape.h"

#include "dff_buf.h"
#include "dff_id.h"

#include "dff_test.h"

#include "dff_banned.h"

static const char *const colours[] = { "red", "green", NULL };

static const dff_prop_t inner_props[] = {
    { "name", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 3 },
    { "size", DFF_PROP_INT, DFF_OP_BODY, .min = -2, .max = 2 },
};
static const dff_shape_t inner = DFF_SHAPE(inner_props);

static const dff_prop_t props[] = {
    { "text", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD, .max = 4 },
    { "maybe", DFF_PROP_STR, DFF_OP_ALL, .nullable = true },
    { "colour", DFF_PROP_STR, DFF_OP_ALL, .names = colours },
    { "id", DFF_PROP_STR, DFF_OP_ADD, .check = dff_id_is_script, .expects = "a script id" },
    { "int", DFF_PROP_INT, DFF_OP_ALL, .min = 1, .max = 10 },
    { "number", DFF_PROP_NUMBER, DFF_OP_ALL },
    { "bool", DFF_PROP_BOOL, DFF_OP_ALL },
    { "time", DFF_PROP_TIME, DFF_OP_ALL },
    { "texts", DFF_PROP_STRS, DFF_OP_ALL, .min = 1, .max = 2 },
    { "free", DFF_PROP_FREE, DFF_OP_ALL },
    { "any", DFF_PROP_ANY, DFF_OP_ALL },
    { "object", DFF_PROP_OBJECT, DFF_OP_ALL, .shape = &inner },
    { "objects", DFF_PROP_OBJECTS, DFF_OP_ALL, .max = 2, .shape = &inner },
};
static const dff_shape_t add = DFF_SHAPE_OP(props, DFF_OP_ADD);
static const dff_shape_t modify = DFF_SHAPE_OP(props, DFF_OP_MODIFY);

static void
good_bodies_are_taken(void **state)
{
    static const char *const rows[] = {
        "{\"text\":\"\"}", "{\"text\":\"abcd\"}", "{\"text\":\"\xe4\xb8\xad\xe4\xb8\xad\"}",
        "{\"text\":\"\\u4e2d\\ud83d\\ude00\"}", "{\"text\":\"a\",\"maybe\":null}",
        "{\"text\":\"a\",\"colour\":\"green\",\"id\":\"a__b\",\"int\":10,\"number\":-1.5e9}",
        "{\"text\":\"a\",\"bool\":false,\"time\":\"2021-10-14T01:02:03.456Z\"}",
        "{\"text\":\"a\",\"texts\":[\"x\"],\"any\":[null]}",
        "{\"text\":\"a\",\"free\":null}", "{\"text\":\"a\",\"free\":{\"x\":{\"y\":[]}}}",
        "{\"text\":\"a\",\"object\":{\"name\":\"abc\",\"size\":-2}}",
        "{\"text\":\"a\",\"objects\":[]}", "{\"text\":\"a\",\"objects\":[{\"name\":\"x\"}]}",
        "{\"t\\u0065xt\":\"a\"}",
    };
    dff_err_t err;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        if (dff_shape_check(&add, dff_str_from(rows[i]), &err) != DFF_OK)
            fail_msg("%s: %s", rows[i], err.message);
    }
    /* not needed, and one key less, in another operation */
    assert_int_equal(dff_shape_check(&modify, DFF_STR("{}"), &err), DFF_OK);
    assert_int_equal(dff_shape_check(&modify, DFF_STR("{\"id\":\"a__b\"}"), &err), DFF_ERROR);
}

static void
bad_bodies_are_refused_with_the_place(void **state)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        { "[]", "the body must be a JSON object" }, { "1", "the body must be" },
        { "{}", "text is missing" }, { "{\"text\":null}", "text must be a string" },
        { "{\"text\":1}", "text must be a string" }, { "{\"text\":\"abcde\"}", "text must have" },
        { "{\"text\":\"a\\u0000\"}", "text has a NUL" },
        { "{\"text\":\"a\",\"text\":\"b\"}", "text is there twice" },
        { "{\"text\":\"a\",\"t\\u0065xt\":\"b\"}", "text is there twice" },
        { "{\"text\":\"a\",\"more\":1}", "unknown key \"more\"" },
        { "{\"text\":\"a\",\"\":1}", "unknown key \"\"" },
        { "{\"text\":\"a\",\"colour\":\"blue\"}", "colour must be one of red, green" },
        { "{\"text\":\"a\",\"id\":\"a\"}", "id must be a script id" },
        { "{\"text\":\"a\",\"int\":0}", "int must be an integer from 1 to 10" },
        { "{\"text\":\"a\",\"int\":1.5}", "int must be an integer" },
        { "{\"text\":\"a\",\"int\":\"1\"}", "int must be a number" },
        { "{\"text\":\"a\",\"int\":99999999999999999999}", "int must be an integer" },
        { "{\"text\":\"a\",\"number\":true}", "number must be a number" },
        { "{\"text\":\"a\",\"bool\":0}", "bool must be true or false" },
        { "{\"text\":\"a\",\"bool\":null}", "bool must be true or false" },
        { "{\"text\":\"a\",\"time\":\"yesterday\"}", "time must be an ISO 8601" },
        { "{\"text\":\"a\",\"time\":\"2039-01-01T00:00:00Z\"}", "time must be an ISO 8601" },
        { "{\"text\":\"a\",\"time\":\"1969-12-31T00:00:00Z\"}", "time must be an ISO 8601" },
        { "{\"text\":\"a\",\"texts\":[]}", "texts must have 1 to 2 elements" },
        { "{\"text\":\"a\",\"texts\":[\"a\",\"b\",\"c\"]}", "texts must have 1 to 2 elements" },
        { "{\"text\":\"a\",\"texts\":[\"a\",1]}", "texts[1] must be a string" },
        { "{\"text\":\"a\",\"texts\":\"a\"}", "texts must be a list" },
        { "{\"text\":\"a\",\"free\":[]}", "free must be a JSON object" },
        { "{\"text\":\"a\",\"object\":{}}", "object.name is missing" },
        { "{\"text\":\"a\",\"object\":{\"name\":\"x\",\"size\":3}}", "object.size must be" },
        { "{\"text\":\"a\",\"object\":null}", "object must be a JSON object" },
        { "{\"text\":\"a\",\"objects\":[{\"name\":\"x\"},{\"name\":\"\"}]}", "objects[1].name" },
        { "{\"text\":\"a\",\"objects\":[{\"name\":\"x\",\"q\":1}]}", "objects[0] has an unknown" },
    };

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_err_t err = { 0 };

        assert_int_equal(dff_shape_check(&add, dff_str_from(rows[i].body), &err), DFF_ERROR);
        assert_int_equal(err.reason, DFF_E_CLIENT_BAD_REQUEST);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].body, err.message);
    }
}

/* A path longer than its room: the message is cut, nothing else. */
static void
a_deep_place_is_cut(void **state)
{
    dff_buf_t body = DFF_BUF_INIT;
    dff_err_t err = { 0 };

    (void) state;
    dff_buf_add_str(&body, DFF_STR("{\"text\":\"a\",\""));
    for (int i = 0; i < 1000; i++)
        dff_buf_add_str(&body, DFF_STR("x"));
    dff_buf_add_str(&body, DFF_STR("\":1}"));
    assert_int_equal(dff_shape_check(&add, (dff_str_t) { body.data, body.len }, &err), DFF_ERROR);
    assert_true(strlen(err.message) < 200);
    dff_buf_release(&body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bodies_are_taken),
        cmocka_unit_test(bad_bodies_are_refused_with_the_place),
        cmocka_unit_test(a_deep_place_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
