/*
 * A job for one node only is in a queue of that node's own, on which its master does not
 * block: the master is told. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_WAKE_H
#define NGX_HTTP_DFF_WAKE_H

#include "ngx_http_dff_call.h"

/* The job of the call is pushed; nothing is to do when any node may take it. A queue of one
 * node goes away with the last job that could still run. A message that is lost costs a
 * second: executor/master/dff_node_claim.h. */
void ngx_http_dff_wake(ngx_http_dff_call_t *call);

#endif
