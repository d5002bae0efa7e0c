/*
 * Jobs of published functions, and starting those that nobody waits for. Runs in the api
 * processes.
 */
#ifndef DFF_FUNC_START_H
#define DFF_FUNC_START_H

#include "api/http/dff_web.h"
#include "store/dff_func.h"

#define DFF_FUNC_EXPIRES  10      /* times its timeout: a job that has not started by then */

/* The job of func_id as far as it does not depend on options. 404 when it is not published. */
int dff_func_find_job(dff_web_call_t *call, dff_str_t func_id, dff_func_config_t *config,
    dff_job_t *job, dff_err_t *err);

/* Pushes job, now (eta_ms 0) or when it is due, in ms Unix time; its id is in call->task_id. */
int dff_func_start(dff_web_call_t *call, dff_job_t *job, int64_t eta_ms, dff_err_t *err);

#endif
