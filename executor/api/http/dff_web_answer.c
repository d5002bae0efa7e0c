/* Answers: see the header. */
#include "api/http/dff_web_answer.h"

#include <stdlib.h>
#include <unistd.h>

#include "dff_json.h"
#include "dff_mask.h"
#include "dff_time.h"
#include "api/http/dff_cors.h"
#include "api/http/dff_web.h"

#include "dff_banned.h"

#define DFF_WEB_DUMP_MAX  10240     /* bytes of a body in reqDump */


void
dff_web_answer_release(dff_web_answer_t *answer)
{
    dff_buf_release(&answer->data);
    dff_buf_release(&answer->page_info);
    dff_buf_release(&answer->content);
    dff_buf_release(&answer->headers);
    dff_buf_release(&answer->detail);
    if (answer->has_file) {
        (void) close(answer->file);
    }
    *answer = (dff_web_answer_t) { 0 };
}


void
dff_web_answer_header(dff_web_answer_t *answer, const char *name, dff_str_t value)
{
    dff_buf_addf(&answer->headers, "%s: ", name);
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char) value.data[i] >= 0x20 && value.data[i] != 0x7f) {
            dff_buf_add(&answer->headers, value.data + i, 1);
        }
    }
    dff_buf_add_str(&answer->headers, DFF_STR("\r\n"));
}


static void
dff_web_answer_disposition(dff_web_answer_t *answer, const char *kind, dff_str_t filename)
{
    dff_buf_t *out = &answer->headers;

    dff_buf_addf(out, "Content-Disposition: %s; filename=\"", kind);
    for (size_t i = 0; i < filename.len; i++) {
        unsigned char c = (unsigned char) filename.data[i];

        dff_buf_add(out, c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '%' ? "_"
                    : (const char *) &c, 1);
    }
    dff_buf_add_str(out, DFF_STR("\"; filename*=UTF-8''"));
    for (size_t i = 0; i < filename.len; i++) {
        unsigned char c = (unsigned char) filename.data[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            || c == '-' || c == '.' || c == '_')
        {
            dff_buf_add(out, &c, 1);
        } else {
            dff_buf_addf(out, "%%%02X", c);
        }
    }
    dff_buf_add_str(out, DFF_STR("\r\n"));
}

void
dff_web_answer_attachment(dff_web_answer_t *answer, dff_str_t filename)
{
    dff_web_answer_disposition(answer, "attachment", filename);
}


void
dff_web_answer_inline(dff_web_answer_t *answer, dff_str_t filename)
{
    dff_web_answer_disposition(answer, "inline", filename);
}

/* --- reqDump --------------------------------------------------------------------------------- */

/* The URL with the values of secret-looking fields hidden. */
static void
dff_web_answer_add_url(dff_buf_t *out, const dff_web_request_t *req)
{
    size_t         path_len = req->path.len;
    dff_str_t      query = { req->url.data + path_len, req->url.len - path_len };
    size_t         size = query.len * 4 + sizeof(DFF_MASK_TEXT);
    char          *scratch = malloc(query.len + 1), *room = malloc(size);
    dff_mask_out_t masked = { .data = room, .size = size };
    dff_buf_t      url = DFF_BUF_INIT;

    dff_buf_add_str(&url, req->path);
    if (query.len > 0 && scratch != NULL && room != NULL) {
        dff_mask_fields((dff_str_t) { query.data + 1, query.len - 1 }, scratch, &masked);
        dff_buf_add_str(&url, DFF_STR("?"));
        dff_buf_add(&url, masked.data, masked.len);
    }
    dff_buf_add_json_string(out, (dff_str_t) { url.data, url.len });
    dff_buf_release(&url);
    free(scratch);
    free(room);
}


/* The body as JSON with its secrets hidden; where it is too long, the beginning as text. */
static void
dff_web_answer_add_body(dff_buf_t *out, const dff_web_request_t *req)
{
    char          *room;
    dff_mask_out_t masked = { .size = DFF_WEB_DUMP_MAX };

    if (req->raw_body.len == 0) {
        return;
    }
    dff_buf_add_str(out, DFF_STR(",\"body\":"));
    if (req->body.data == NULL) {
        /* no names by which to hide anything */
        dff_buf_addf(out, "\"(%zu bytes, not JSON)\"", req->raw_body.len);
        return;
    }
    room = masked.data = malloc(masked.size);
    if (room == NULL) {
        dff_buf_add_str(out, DFF_STR("null"));
        return;
    }
    (void) dff_mask_json(req->body, &masked);
    if (!masked.cut) {
        dff_buf_add(out, masked.data, masked.len);
    } else {
        while (masked.len > 0 && ((unsigned char) masked.data[masked.len - 1] & 0x80) != 0) {
            masked.len--;       /* not inside a character */
        }
        dff_buf_add_str(out, DFF_STR("\""));
        dff_buf_add_json_escaped(out, (dff_str_t) { masked.data, masked.len });
        dff_buf_addf(out, "... (cut, %zu bytes)\"", req->raw_body.len);
    }
    free(room);
}

/* --- the envelope ---------------------------------------------------------------------------- */

static void
dff_web_answer_add_failure(dff_buf_t *out, const dff_web_call_t *call, const dff_err_t *err)
{
    const dff_web_answer_t *answer = &call->answer;
    const dff_err_row_t    *row = dff_err_row(err->reason);

    dff_buf_addf(out, "{\"ok\":false,\"error\":%s,\"message\":", row->code);
    dff_buf_add_json_string(out, dff_str_from(err->message[0] == '\0' ? row->message
                                              : err->message));
    dff_buf_addf(out, ",\"reason\":\"%s%s%s\"", row->reason,
                 answer->sub_reason == NULL ? "" : ".",
                 answer->sub_reason == NULL ? "" : answer->sub_reason);
    if (answer->data_with_error && answer->data.len > 0) {
        dff_buf_add_str(out, DFF_STR(",\"data\":"));
        dff_buf_add(out, answer->data.data, answer->data.len);
    }
    if (answer->detail.len > 0) {
        dff_buf_add_str(out, DFF_STR(",\"detail\":"));
        dff_buf_add(out, answer->detail.data, answer->detail.len);
    }
    dff_buf_add_str(out, DFF_STR(",\"reqDump\":{\"method\":"));
    dff_buf_add_json_string(out, call->req.method_name);
    dff_buf_add_str(out, DFF_STR(",\"url\":"));
    dff_web_answer_add_url(out, &call->req);
    if (call->endpoint == NULL || (call->endpoint->flags & DFF_ENDPOINT_SECRET) == 0) {
        dff_web_answer_add_body(out, &call->req);
    }
    dff_buf_add_str(out, DFF_STR("}"));
}


static void
dff_web_answer_add_success(dff_buf_t *out, const dff_web_answer_t *answer)
{
    dff_buf_add_str(out, DFF_STR("{\"ok\":true,\"error\":200,\"message\":\"\",\"data\":"));
    if (answer->data.len == 0) {
        dff_buf_add_str(out, DFF_STR("null"));
    } else {
        dff_buf_add(out, answer->data.data, answer->data.len);
    }
    if (answer->page_info.len > 0) {
        dff_buf_add_str(out, DFF_STR(",\"pageInfo\":"));
        dff_buf_add(out, answer->page_info.data, answer->page_info.len);
    }
}


static int64_t
dff_web_answer_cost(const dff_web_request_t *req)
{
    return dff_time_monotonic_ms() - req->began_mono_ms;
}


static void
dff_web_answer_envelope(dff_buf_t *out, const dff_web_call_t *call, const dff_err_t *err)
{
    const dff_web_request_t *req = &call->req;
    int64_t                  cost = dff_web_answer_cost(req);
    char                     began[DFF_TIME_ISO_SIZE], ended[DFF_TIME_ISO_SIZE];

    if (err != NULL) {
        dff_web_answer_add_failure(out, call, err);
    } else {
        dff_web_answer_add_success(out, &call->answer);
    }
    (void) dff_time_iso_utc(began, req->began_ms);
    (void) dff_time_iso_utc(ended, req->began_ms + cost);
    dff_buf_addf(out, ",\"traceId\":\"%s\",\"reqTime\":\"%s\",\"respTime\":\"%s\","
                 "\"reqCost\":%lld}", req->trace_id, began, ended, (long long) cost);
}


static void
dff_web_answer_head(dff_buf_t *out, dff_web_call_t *call, int status, const char *type,
    uint64_t body_len)
{
    const dff_web_request_t *req = &call->req;
    int64_t                  cost = dff_web_answer_cost(req);
    char                     began[DFF_TIME_ISO_SIZE], ended[DFF_TIME_ISO_SIZE];

    (void) dff_time_iso_utc(began, req->began_ms);
    (void) dff_time_iso_utc(ended, req->began_ms + cost);
    dff_buf_addf(out, "Status: %d\r\nContent-Type: %s\r\nContent-Length: %llu\r\n"
                 "X-Trace-Id: %s\r\nX-Request-Time: %s\r\nX-Response-Time: %s\r\n"
                 "X-Request-Cost: %lld\r\nX-Content-Type-Options: nosniff\r\n"
                 "Cache-Control: no-store\r\n", status, type, (unsigned long long) body_len,
                 req->trace_id, began,
                 ended, (long long) cost);
    dff_cors_add(out, call->web->cors, req);
    dff_buf_add(out, call->answer.headers.data, call->answer.headers.len);
    dff_buf_add_str(out, DFF_STR("\r\n"));
}


void
dff_web_answer_write(dff_buf_t *out, dff_web_call_t *call, const dff_err_t *err)
{
    dff_web_answer_t *answer = &call->answer;
    dff_buf_t         body = DFF_BUF_INIT;
    int               status;

    if (err == NULL && answer->content_type != NULL) {
        status = answer->status == 0 ? 200 : answer->status;
        dff_web_answer_head(out, call, status, answer->content_type,
                            answer->has_file ? answer->file_size : answer->content.len);
        if (call->req.method != DFF_WEB_HEAD) {
            dff_buf_add(out, answer->content.data, answer->content.len);
        }
    } else {
        dff_web_answer_envelope(&body, call, err);
        status = err == NULL ? 200 : dff_err_row(err->reason)->http_status;
        dff_web_answer_head(out, call, status, "application/json; charset=utf-8", body.len);
        if (call->req.method != DFF_WEB_HEAD) {
            dff_buf_add(out, body.data, body.len);
        }
        out->failed = out->failed || body.failed;
    }
    dff_buf_release(&body);
}
