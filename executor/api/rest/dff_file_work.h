/*
 * An operation on the resource folder, done by a process of its own (files/dff_files.h), so
 * that a large one stops nobody else, and a hostile archive meets no secret. Runs in the api
 * processes.
 */
#ifndef DFF_FILE_WORK_H
#define DFF_FILE_WORK_H

#include "api/http/dff_web.h"

#define DFF_FILE_WORKS_MAX  4       /* at once, in one api process */

/*
 * Starts it; the call ends with it, without data, also when the client has gone meanwhile.
 * argument may be empty. DFF_WEB_WAITS, or DFF_ERROR.
 */
int dff_file_work_start(dff_web_call_t *call, const char *operation, const char *target,
    const char *argument, dff_err_t *err);

/* What a program has written, up to its end: ends the call as a handler. */
typedef int (*dff_file_work_answer_fn)(dff_web_call_t *call, dff_str_t said, dff_err_t *err);

/* The same for another program, with words[0] as its path. */
int dff_file_work_run(dff_web_call_t *call, char *const *words, dff_file_work_answer_fn answer,
    dff_err_t *err);

#endif
