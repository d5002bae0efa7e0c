/* Requests of the services socket: executor/api/dff_service_request.c. */
#include "api/dff_service_request.h"

#include "dff_json.h"
#include "fuzz.h"

static const dff_service_arg_t args[] = {
    { "key", DFF_SERVICE_TEXT, 0, 1, 256 },
    { "step", DFF_SERVICE_INT, DFF_SERVICE_OPTIONAL, -100, 100 },
    { "expire", DFF_SERVICE_SECONDS, DFF_SERVICE_OPTIONAL, 0, 1000 },
    { "notExists", DFF_SERVICE_BOOL, DFF_SERVICE_OPTIONAL, 0, 0 },
    { "value", DFF_SERVICE_VALUE, DFF_SERVICE_OPTIONAL, 0, 0 },
    { "obj", DFF_SERVICE_OBJECT, DFF_SERVICE_OPTIONAL, 0, 0 },
    { "chain", DFF_SERVICE_LIST, DFF_SERVICE_OPTIONAL, 0, 0 },
};
static const dff_service_fields_t fields = { "x", args, sizeof(args) / sizeof(args[0]) };

static const dff_service_fields_t *
find(dff_str_t op)
{
    return dff_str_eq(op, DFF_STR("x")) ? &fields : NULL;
}

static void
check(const dff_service_request_t *request)
{
    const dff_service_value_t *values = request->values;
    size_t                     i;

    FUZZ_MUST(values[0].given && values[0].text.len > 0);
    FUZZ_MUST(values[0].text.data[values[0].text.len] == '\0');
    FUZZ_MUST(!values[1].given || (values[1].number >= -100 && values[1].number <= 100));
    FUZZ_MUST(!values[2].given || (values[2].number > 0 && values[2].number <= 1000000));
    FUZZ_MUST(!values[3].given || values[3].number == 0 || values[3].number == 1);
    for (i = 4; i < 7; i++)
        FUZZ_MUST(!values[i].given || dff_json_check(values[i].text, NULL, NULL, NULL) == DFF_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_str_t             text = fuzz_text(data, size), json;
    dff_service_request_t request;
    dff_buf_t             out = DFF_BUF_INIT;
    dff_err_t             err = { .message = "" };
    size_t                whole;
    char                 *room;

    if (dff_service_frame(text, &json, &whole, &err) != 1)
        return 0;
    FUZZ_MUST(json.len == whole && whole + DFF_SERVICE_HEAD <= size);
    room = fuzz_room(json.len);
    memcpy(room, json.data, json.len);
    json.data = room;
    if (dff_service_request_read(&request, json, find, &err) == DFF_OK)
        check(&request);
    else
        FUZZ_MUST(err.reason == DFF_E_CLIENT_BAD_REQUEST && err.message[0] != '\0');
    dff_service_request_release(&request);
    free(room);

    /* Whatever it says, the answer is a frame of good JSON. */
    dff_service_answer_error(&out, "ValueError", err.message);
    FUZZ_MUST(dff_service_frame((dff_str_t) { out.data, out.len }, &json, &whole, NULL) == 1);
    FUZZ_MUST(dff_json_check(json, NULL, NULL, NULL) == DFF_OK);
    dff_buf_release(&out);
    return 0;
}
