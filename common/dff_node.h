/*
 * The name of this node among others. nginx and the executor must come to the same one:
 * a job with uploaded files is queued for its node by this name. Runs in every process.
 */
#ifndef DFF_NODE_H
#define DFF_NODE_H

#include "dff_config.h"
#include "dff_err.h"

#define DFF_NODE_NAME_MAX  64      /* dff_id_is_link */

/* _NODE_NAME, or the host name. DFF_ERROR: it cannot be a node's name. */
int dff_node_name(const dff_config_t *cfg, char out[DFF_NODE_NAME_MAX + 1], dff_err_t *err);

#endif
