/* The rules of throttling and their reading: see the header. */
#include "dff_throttle.h"

#include <stdbool.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_THROTTLE_DAY_S  INT64_C(86400)

static const struct {
    const char *name;
    int64_t     window_s;
} dff_throttle_rules[] = {
    [DFF_THROTTLE_YEAR] = { "byYear", 365 * DFF_THROTTLE_DAY_S },
    [DFF_THROTTLE_MONTH] = { "byMonth", 30 * DFF_THROTTLE_DAY_S },
    [DFF_THROTTLE_DAY] = { "byDay", DFF_THROTTLE_DAY_S },
    [DFF_THROTTLE_HOUR] = { "byHour", 3600 },
    [DFF_THROTTLE_MINUTE] = { "byMinute", 60 },
    [DFF_THROTTLE_SECOND] = { "bySecond", 1 },
};

_Static_assert(sizeof(dff_throttle_rules) / sizeof(dff_throttle_rules[0]) == DFF_THROTTLE_RULES,
               "a name and a window for each rule");

const char *
dff_throttle_name(dff_throttle_rule_t rule)
{
    return dff_throttle_rules[rule].name;
}

int64_t
dff_throttle_window_s(dff_throttle_rule_t rule)
{
    return dff_throttle_rules[rule].window_s;
}

static int
dff_throttle_take(dff_throttle_t *throttle, const dff_json_member_t *member, dff_err_t *err)
{
    int64_t calls;
    int     rule;

    for (rule = 0; rule < DFF_THROTTLE_RULES; rule++) {
        if (dff_str_eq(member->key, dff_str_from(dff_throttle_rules[rule].name)))
            break;
    }
    if (rule == DFF_THROTTLE_RULES) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling: unknown rule \"%.*s\"",
                           (int) (member->key.len > 40 ? 40 : member->key.len), member->key.data);
    }
    if (member->type == DFF_JSON_NULL) {
        throttle->calls[rule] = 0;
        return DFF_OK;
    }
    if (dff_json_int64(member->value, &calls) != DFF_OK || calls < 1
        || calls > DFF_THROTTLE_MAX_CALLS)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling: \"%s\" must be an integer "
                           "from 1 to %lld", dff_throttle_rules[rule].name,
                           (long long) DFF_THROTTLE_MAX_CALLS);
    }
    throttle->calls[rule] = calls;
    return DFF_OK;
}

int
dff_throttle_read(dff_throttle_t *throttle, dff_str_t json, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_json_fail_t   fail = { .what = "" };
    dff_json_type_t   type;
    int               rc;

    *throttle = (dff_throttle_t) { { 0 } };
    if (json.len == 0)
        return DFF_OK;
    if (dff_json_check(json, &json, &type, &fail) != DFF_OK) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling is not JSON: line %zu, "
                           "column %zu: %s", fail.line, fail.column, fail.what);
    }
    if (type == DFF_JSON_NULL)
        return DFF_OK;
    if (dff_json_object_open(&it, json) != DFF_OK) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling must be a JSON object like "
                           "{\"bySecond\": 10}");
    }
    while ((rc = dff_json_object_next(&it, &member, &fail)) == 1) {
        if (dff_throttle_take(throttle, &member, err) != DFF_OK)
            return DFF_ERROR;
    }
    return rc == 0 ? DFF_OK
                   : dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling: %s", fail.what);
}
