/* Multipart bodies: see the header. */
#include "api/rest/dff_upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_form.h"
#include "dff_multipart.h"

#include "dff_banned.h"

#define DFF_UPLOAD_PARTS_MAX  32
#define DFF_UPLOAD_FIELD_MAX  4096

typedef struct {            /* while the body is read */
    dff_web_call_t *call;
    dff_upload_t   *upload;
    bool            in_file, in_field;
    dff_str_t       field;          /* its name, in the arena */
    dff_buf_t       text;
} dff_upload_reader_t;


void
dff_upload_release(dff_upload_t *upload)
{
    dff_buf_release(&upload->content);
    json_decref(upload->fields);
    *upload = (dff_upload_t) { 0 };
}


dff_str_t
dff_upload_field(const dff_upload_t *upload, const char *name)
{
    const json_t *value = json_object_get(upload->fields, name);

    return value == NULL ? DFF_STR_NULL
        : (dff_str_t) { json_string_value(value), json_string_length(value) };
}


static int
dff_upload_begin(void *ctx, const dff_multipart_part_t *part)
{
    dff_upload_reader_t *reader = ctx;
    dff_str_t            name = part->filename;

    reader->in_file = part->is_file && reader->upload->name.data == NULL;
    reader->in_field = !part->is_file;
    dff_buf_clear(&reader->text);
    if (reader->in_field) {
        reader->field = dff_str_from(dff_arena_copy(&reader->call->arena, part->name));
    }
    if (reader->in_file) {
        for (size_t i = name.len; i > 0; i--) {
            if (name.data[i - 1] == '/' || name.data[i - 1] == '\\') {
                name = (dff_str_t) { name.data + i, name.len - i };
                break;
            }
        }
        reader->upload->name = dff_str_from(dff_arena_copy(&reader->call->arena, name));
    }
    return DFF_OK;
}


static int
dff_upload_data(void *ctx, const char *data, size_t len)
{
    dff_upload_reader_t *reader = ctx;

    if (reader->in_file) {
        dff_buf_add(&reader->upload->content, data, len);
        return dff_buf_failed(&reader->upload->content) ? DFF_ERROR : DFF_OK;
    }
    if (reader->in_field) {
        dff_buf_add(&reader->text, data, len);
        return reader->text.len > DFF_UPLOAD_FIELD_MAX ? DFF_ERROR : DFF_OK;
    }
    return DFF_OK;
}


static int
dff_upload_end(void *ctx)
{
    dff_upload_reader_t *reader = ctx;
    dff_str_t            text = { reader->text.data == NULL ? "" : reader->text.data,
                                  reader->text.len };

    if (reader->in_field && reader->field.data != NULL && dff_form_is_utf8(text)) {
        (void) json_object_set_new(reader->upload->fields, reader->field.data,
                                   json_stringn(text.data, text.len));
    }
    reader->in_file = reader->in_field = false;
    return DFF_OK;
}


/* [{"name":…,"size":…}] */
static void
dff_upload_tell(dff_web_call_t *call, const dff_upload_t *upload)
{
    dff_buf_t out = DFF_BUF_INIT;

    dff_buf_add_str(&out, DFF_STR("[{\"name\":"));
    dff_buf_add_json_string(&out, upload->name);
    dff_buf_addf(&out, ",\"size\":%zu}]", upload->content.len);
    call->file_info = dff_str_from(dff_arena_copy(&call->arena,
                                                  (dff_str_t) { out.data, out.len }));
    dff_buf_release(&out);
}


int
dff_upload_read(dff_web_call_t *call, dff_upload_t *upload, dff_err_t *err)
{
    static const dff_multipart_handlers_t handlers = {
        dff_upload_begin, dff_upload_data, dff_upload_end
    };
    dff_upload_reader_t reader = { .call = call, .upload = upload, .text = DFF_BUF_INIT };
    char                boundary[DFF_MULTIPART_BOUNDARY_MAX], why[256];
    const char         *what;
    dff_multipart_t     parser;
    size_t              len;
    int                 rc;

    *upload = (dff_upload_t) { .fields = json_object() };
    if (call->req.body_kind != DFF_WEB_BODY_MULTIPART) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "Invalid request body: an upload must be multipart/form-data");
    }
    if (dff_multipart_boundary(dff_scgi_get(call->req.scgi, "CONTENT_TYPE"), boundary, &len,
                               &what) != DFF_OK)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: %s", what);
    }
    dff_multipart_init(&parser, (dff_str_t) { boundary, len }, DFF_UPLOAD_PARTS_MAX, &handlers,
                       &reader);
    rc = dff_multipart_feed(&parser, call->req.raw_body.data == NULL ? ""
                            : call->req.raw_body.data, call->req.raw_body.len);
    if (rc == DFF_OK) {
        rc = dff_multipart_finish(&parser);
    }
    dff_buf_release(&reader.text);
    if (rc != DFF_OK) {
        dff_multipart_explain(&parser.fail, why, sizeof(why));
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: %s", why);
    }
    if (upload->name.data == NULL) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: no file in it");
    }
    dff_upload_tell(call, upload);
    return DFF_OK;
}
