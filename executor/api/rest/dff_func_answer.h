/*
 * What a function that returned a DFF.RESP, a file or large data says about its answer: its
 * status, type, headers, and where its body is. Runs in the api processes.
 */
#ifndef DFF_FUNC_ANSWER_H
#define DFF_FUNC_ANSWER_H

#include "api/http/dff_web.h"

/* control: that section of the reply (docs/protocol.md). DFF_ERROR: there is no such file
 * here any more. */
int dff_func_answer_control(dff_web_call_t *call, dff_str_t control, dff_err_t *err);

#endif
