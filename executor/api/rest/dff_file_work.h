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

#endif
