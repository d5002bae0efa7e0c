/* CORS: see the header. */
#include "api/http/dff_cors.h"

#include <regex.h>
#include <stdlib.h>
#include <strings.h>

#include "api/http/dff_privilege.h"

#include "dff_banned.h"

#define DFF_CORS_ENTRIES_MAX  64
#define DFF_CORS_REGEXP       "regexp:"
#define DFF_CORS_ORIGIN_MAX   512
#define DFF_CORS_MAX_AGE_S    86400

typedef struct {
    char   *origin;     /* NULL: regex */
    regex_t regex;
} dff_cors_entry_t;

struct dff_cors_s {
    bool             any, credentials;
    dff_cors_entry_t entries[DFF_CORS_ENTRIES_MAX];
    size_t           count;
};


static int
dff_cors_add_entry(dff_cors_t *cors, dff_str_t item, dff_err_t *err)
{
    dff_cors_entry_t *entry = &cors->entries[cors->count];
    size_t            prefix = sizeof(DFF_CORS_REGEXP) - 1;
    char             *text;
    int               rc = DFF_ERROR;

    if (cors->count == DFF_CORS_ENTRIES_MAX) {
        return dff_err_set(err, DFF_E_SYS, "WEB_CORS_ORIGIN has more than %d entries",
                           DFF_CORS_ENTRIES_MAX);
    }
    text = strndup(item.data, item.len);
    if (text == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (strncmp(text, DFF_CORS_REGEXP, prefix) != 0) {
        entry->origin = text;
        cors->count++;
        return DFF_OK;
    }
    if (regcomp(&entry->regex, text + prefix, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) {
        dff_err_set(err, DFF_E_SYS, "WEB_CORS_ORIGIN: \"%.128s\" is no pattern", text);
    } else {
        cors->count++;
        rc = DFF_OK;
    }
    free(text);
    return rc;
}


dff_cors_t *
dff_cors_new(const dff_config_t *cfg, dff_err_t *err)
{
    dff_cors_t *cors = calloc(1, sizeof(*cors));
    dff_str_t   list = dff_str_from(cfg->web_cors_origin), item;

    if (cors == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    cors->credentials = cfg->web_cors_credentials;
    cors->any = dff_str_eq(list, DFF_STR("true"));
    if (cors->any || dff_str_eq(list, DFF_STR("false"))) {
        return cors;
    }
    while (list.len > 0 && dff_list_next(&list, &item)) {
        if (item.len > 0 && dff_cors_add_entry(cors, item, err) != DFF_OK) {
            dff_cors_free(cors);
            return NULL;
        }
    }
    return cors;
}


void
dff_cors_free(dff_cors_t *cors)
{
    if (cors == NULL) {
        return;
    }
    for (size_t i = 0; i < cors->count; i++) {
        if (cors->entries[i].origin == NULL) {
            regfree(&cors->entries[i].regex);
        }
        free(cors->entries[i].origin);
    }
    free(cors);
}


/* origin is NUL-terminated. */
static bool
dff_cors_allowed(const dff_cors_t *cors, dff_str_t origin)
{
    if (origin.len == 0 || origin.len > DFF_CORS_ORIGIN_MAX) {
        return false;
    }
    for (size_t i = 0; i < origin.len; i++) {
        if ((unsigned char) origin.data[i] <= 0x20 || (unsigned char) origin.data[i] >= 0x7f) {
            return false;       /* no origin that a browser sends */
        }
    }
    for (size_t i = 0; i < cors->count; i++) {
        const dff_cors_entry_t *entry = &cors->entries[i];

        if (entry->origin != NULL ? strcasecmp(entry->origin, origin.data) == 0
                                  : regexec(&entry->regex, origin.data, 0, NULL, 0) == 0)
        {
            return true;
        }
    }
    return cors->any;
}


/* The request's own list of headers, when it is one. */
static void
dff_cors_add_wanted(dff_buf_t *out, dff_str_t wanted)
{
    for (size_t i = 0; i < wanted.len; i++) {
        char c = wanted.data[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
              || strchr("-_, ", c) != NULL))
        {
            return;
        }
    }
    if (wanted.len > 0) {
        dff_buf_add_str(out, DFF_STR("Access-Control-Allow-Headers: "));
        dff_buf_add_str(out, wanted);
        dff_buf_add_str(out, DFF_STR("\r\n"));
    }
}


void
dff_cors_add(dff_buf_t *out, const dff_cors_t *cors, const dff_web_request_t *request)
{
    dff_str_t origin = dff_web_header(request, "HTTP_ORIGIN");

    if (cors->any || cors->count > 0) {
        dff_buf_add_str(out, DFF_STR("Vary: Origin\r\n"));
    }
    if (!dff_cors_allowed(cors, origin)) {
        return;
    }
    dff_buf_add_str(out, DFF_STR("Access-Control-Allow-Origin: "));
    dff_buf_add_str(out, origin);
    dff_buf_addf(out, "\r\n%sAccess-Control-Expose-Headers: X-Trace-Id, X-Request-Time, "
                 "X-Response-Time, X-Request-Cost, X-Dff-Task-Id, Content-Disposition\r\n",
                 cors->credentials ? "Access-Control-Allow-Credentials: true\r\n" : "");
    if (dff_str_eq(request->method_name, DFF_STR("OPTIONS"))) {
        dff_buf_addf(out, "Access-Control-Allow-Methods: GET, POST\r\n"
                     "Access-Control-Max-Age: %d\r\n", DFF_CORS_MAX_AGE_S);
        dff_cors_add_wanted(out, dff_web_header(request,
                                                "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"));
    }
}
