/*
 * A reply as the JSON of task_result.retvalJSON, and back: what func-result needs of a task
 * that Redis has forgotten.
 *
 *   {"status":…,"type":…,"startedAt":…,"endedAt":…[,"control":{…}],"raw":…}
 *
 * raw comes last, so that its text is cut out as it is, however deep and whatever its
 * numbers. It is the result (a str: a JSON string), of a failure {"etype","einfoTEXT"};
 * bytes that are not UTF-8 are "raw64". Pure; runs in the api processes and dffctl.
 */
#ifndef DFF_TASK_VALUE_H
#define DFF_TASK_VALUE_H

#include "dff_buf.h"
#include "dff_envelope.h"

/* Appends the JSON; a failed allocation is for dff_buf_failed. */
void dff_task_value_write(dff_buf_t *out, const dff_reply_t *reply);
/* Appends the reply envelope of task id. DFF_ERROR: json is none of ours. */
int dff_task_value_read(dff_str_t json, dff_str_t id, dff_buf_t *out, dff_err_t *err);

#endif
