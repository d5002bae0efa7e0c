/* Queries: see the header. */
#include "api/http/dff_web_query.h"

#include <strings.h>

#include "dff_iso.h"
#include "api/http/dff_web.h"
#include "api/rest/dff_entity.h"

#include "dff_banned.h"

static const char *const dff_web_true[] = { "true", "o", "y", "yes", "ok", "on" };
static const char *const dff_web_false[] = { "false", "x", "n", "no", "ng", "off" };


static bool
dff_web_query_word(dff_str_t text, const char *const *words, size_t nwords)
{
    for (size_t i = 0; i < nwords; i++) {
        size_t len = strlen(words[i]);

        if (len == text.len && strncasecmp(words[i], text.data, len) == 0) {
            return true;
        }
    }
    return false;
}


int
dff_web_query_bool(dff_str_t text)
{
    int64_t number;

    if (dff_json_int64(text, &number) == DFF_OK) {
        return number > 0;
    }
    if (dff_web_query_word(text, dff_web_true, 6)) {
        return 1;
    }
    return dff_web_query_word(text, dff_web_false, 6) ? 0 : -1;
}


static bool
dff_web_query_named(const char *const *names, dff_str_t text)
{
    for ( ; names != NULL && *names != NULL; names++) {
        if (dff_str_eq(dff_str_from(*names), text)) {
            return true;
        }
    }
    return names == NULL;
}


static int
dff_web_query_refuse(const dff_prop_t *prop, dff_err_t *err, const char *wanted)
{
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query %s must be %s", prop->name, wanted);
}


static int
dff_web_query_number(const dff_prop_t *prop, dff_str_t text, dff_err_t *err)
{
    int64_t number, max = prop->max == 0 ? INT64_MAX : prop->max;

    if (dff_json_int64(text, &number) == DFF_OK && number >= prop->min && number <= max) {
        return DFF_OK;
    }
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                       "query %s must be an integer from %lld to %lld", prop->name,
                       (long long) prop->min, (long long) max);
}


static int
dff_web_query_value(const dff_prop_t *prop, dff_str_t text, dff_err_t *err)
{
    dff_str_t list = text, item;
    int64_t   time_ms;

    switch (prop->type) {
    case DFF_PROP_INT:
        return dff_web_query_number(prop, text, err);
    case DFF_PROP_BOOL:
        return text.len == 0 || dff_web_query_bool(text) >= 0
            ? DFF_OK : dff_web_query_refuse(prop, err, "true or false");
    case DFF_PROP_TIME:
        return dff_iso_read(text, &(dff_tz_t) { 0 }, &time_ms) == DFF_OK
            ? DFF_OK : dff_web_query_refuse(prop, err, "an ISO 8601 time");
    case DFF_PROP_STRS:
        while (dff_list_next(&list, &item)) {
            if (!dff_web_query_named(prop->names, item)) {
                return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                                   "query %s has an unknown value \"%.*s\"", prop->name,
                                   (int) (item.len > 64 ? 64 : item.len), item.data);
            }
        }
        return DFF_OK;
    default:
        if (!dff_web_query_named(prop->names, text)) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "query %s has an unknown value \"%.*s\"", prop->name,
                               (int) (text.len > 64 ? 64 : text.len), text.data);
        }
        if (prop->max > 0 && dff_text_characters(text) > (size_t) prop->max) {
            return dff_web_query_refuse(prop, err, "shorter");
        }
        return prop->check == NULL || prop->check(text)
            ? DFF_OK : dff_web_query_refuse(prop, err, prop->expects);
    }
}


bool
dff_web_query_checked(const dff_endpoint_t *endpoint)
{
    if ((endpoint->flags & DFF_ENDPOINT_CHECKED) != 0) {
        return false;
    }
    return endpoint->query != NULL
        || (endpoint->entity != NULL && dff_entity_filters(endpoint));
}


bool
dff_web_query_prop(const dff_endpoint_t *endpoint, size_t i, dff_prop_t *prop)
{
    if (endpoint->query != NULL && i < endpoint->query->count) {
        *prop = *dff_shape_prop(endpoint->query, i);
        return true;
    }
    i -= endpoint->query == NULL ? 0 : endpoint->query->count;
    return endpoint->entity != NULL && dff_entity_query_prop(endpoint, i, prop);
}


static int
dff_web_query_one(const dff_endpoint_t *endpoint, const dff_web_pair_t *pair, dff_err_t *err)
{
    dff_prop_t prop;

    if (dff_str_eq(pair->name, DFF_STR(DFF_WEB_QUERY_TOKEN))) {
        return DFF_OK;
    }
    for (size_t i = 0; dff_web_query_prop(endpoint, i, &prop); i++) {
        if (dff_str_eq(pair->name, dff_str_from(prop.name))) {
            return dff_web_query_value(&prop, pair->value, err);
        }
    }
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query has an unknown key \"%.*s\"",
                       (int) (pair->name.len > 64 ? 64 : pair->name.len), pair->name.data);
}


int
dff_web_query_check(const dff_endpoint_t *endpoint, const dff_web_request_t *request,
    dff_err_t *err)
{
    dff_prop_t prop;

    if (!dff_web_query_checked(endpoint)) {
        return DFF_OK;
    }
    for (size_t i = 0; i < request->nquery; i++) {
        for (size_t k = 0; k < i; k++) {
            if (dff_str_eq(request->query[i].name, request->query[k].name)) {
                return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query %.*s is there twice",
                                   (int) (request->query[i].name.len > 64 ? 64
                                          : request->query[i].name.len),
                                   request->query[i].name.data);
            }
        }
        if (dff_web_query_one(endpoint, &request->query[i], err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    for (size_t i = 0; dff_web_query_prop(endpoint, i, &prop); i++) {
        if (prop.required != 0 && dff_web_query(request, prop.name).data == NULL) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query %s is missing", prop.name);
        }
    }
    return DFF_OK;
}
