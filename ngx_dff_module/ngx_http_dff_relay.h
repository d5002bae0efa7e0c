/*
 * Answers that are files of another node, where the resource folder is not shared. Runs in
 * nginx workers.
 *
 * The file comes in pieces: each is a job of kind "file" for the node that has it, and its
 * reply. The next one is asked for when the last has been sent, so that neither Redis nor
 * nginx holds more than one piece of it, however slow the caller is.
 */
#ifndef NGX_HTTP_DFF_RELAY_H
#define NGX_HTTP_DFF_RELAY_H

#include "ngx_http_dff_control.h"

/* Sends the answer: the file, or 599.30 that says why not. A file that changes or is lost
 * in the middle ends the connection. */
void ngx_http_dff_relay_answer(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control);

#endif
