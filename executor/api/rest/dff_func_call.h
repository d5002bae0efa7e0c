/*
 * Running functions from the management API: a published one with options, a draft, a
 * crontab config. Runs in the api processes.
 */
#ifndef DFF_FUNC_CALL_H
#define DFF_FUNC_CALL_H

#include "api/http/dff_web.h"

extern const dff_shape_t dff_func_call_body, dff_func_draft_body;
extern const dff_prop_t  dff_func_draft_answer;

int dff_func_call(dff_web_call_t *call, dff_err_t *err);    /* POST /func/:funcId */
int dff_func_draft(dff_web_call_t *call, dff_err_t *err);   /* POST /func-draft/:funcId */
int dff_func_cron(dff_web_call_t *call, dff_err_t *err);    /* GET /cron/:id */

/* --- what jobs from here have in common ------------------------------------------------------ */

/* "kwargs" of the body; "{}": there are none. */
dff_str_t dff_func_kwargs(const dff_web_call_t *call);
/* _DFF_HTTP_REQUEST, without headers that sign somebody in. */
dff_str_t dff_func_request(dff_web_call_t *call);

#endif
