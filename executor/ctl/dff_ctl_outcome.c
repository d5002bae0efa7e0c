/* Outcomes of functions: see the header. */
#include "ctl/dff_ctl_outcome.h"

#include "dff_json.h"
#include "dff_time.h"

#include "dff_banned.h"

const int dff_ctl_outcomes[DFF_STATUS_COUNT] = {
    [DFF_STATUS_QUEUED] = DFF_CTL_OK,
    [DFF_STATUS_SUCCESS] = DFF_CTL_OK,
    [DFF_STATUS_FAILURE] = DFF_CTL_FUNC_FAILED,
    [DFF_STATUS_TIMEOUT] = DFF_CTL_FUNC_TIMEOUT,
    [DFF_STATUS_EXPIRED] = DFF_CTL_FUNC_LOST,
    [DFF_STATUS_LOST] = DFF_CTL_FUNC_LOST,
};


static void
dff_ctl_outcome_string(dff_buf_t *out, dff_str_t text)
{
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}


static void
dff_ctl_outcome_time(dff_buf_t *out, const char *name, int64_t unix_ms)
{
    char text[DFF_TIME_ISO_SIZE];

    if (unix_ms == 0) {
        dff_buf_addf(out, ", \"%s\": null", name);
        return;
    }
    dff_time_iso_utc(text, unix_ms);
    dff_buf_addf(out, ", \"%s\": \"%s\"", name, text);
}


static void
dff_ctl_outcome_row(dff_buf_t *out, const dff_task_row_t *row)
{
    const struct { const char *name; dff_str_t text; } texts[] = {
        { "funcId", row->func_id }, { "origin", row->origin }, { "originId", row->origin_id },
        { "log", row->log },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        dff_buf_addf(out, ", \"%s\": ", texts[i].name);
        if (texts[i].text.data == NULL) {
            dff_buf_add_str(out, DFF_STR("null"));
        } else {
            dff_ctl_outcome_string(out, texts[i].text);
        }
    }
    dff_ctl_outcome_time(out, "queueTime", row->queued_at_ms);
}


/* Every digit of the function's result stays as it is: no tree is made of it. */
int
dff_ctl_outcome_json(const dff_reply_t *reply, const char *status, const dff_task_row_t *row)
{
    bool      is_json = reply->body_type == DFF_BODY_JSON
                        || reply->status != DFF_STATUS_SUCCESS;
    dff_buf_t out = DFF_BUF_INIT;
    int       rc = DFF_OK;

    dff_buf_add_str(&out, DFF_STR("{\"taskId\": "));
    dff_ctl_outcome_string(&out, reply->id);
    dff_buf_addf(&out, ", \"status\": \"%s\"", status);
    dff_ctl_outcome_time(&out, "startTime", reply->started_at_ms);
    dff_ctl_outcome_time(&out, "endTime", reply->ended_at_ms);
    if (row != NULL) {
        dff_ctl_outcome_row(&out, row);
    }
    dff_buf_addf(&out, ", \"%s\": ",
                 reply->status == DFF_STATUS_SUCCESS ? "result" : "error");
    if (is_json && dff_json_check(reply->body, NULL, NULL, NULL) == DFF_OK) {
        dff_buf_add_str(&out, reply->body);
    } else {
        dff_ctl_outcome_string(&out, reply->body);
    }
    dff_buf_add_str(&out, DFF_STR("}\n"));

    if (dff_buf_failed(&out)) {
        rc = DFF_ERROR;
    } else {
        (void) fwrite(out.data, 1, out.len, stdout);        /* stdout is checked at the end */
    }
    dff_buf_release(&out);
    return rc;
}
