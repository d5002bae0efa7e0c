/*
 * The two sockets that api processes listen on, below _RUN_PATH. The master makes and
 * keeps them, and every api process inherits them (dff_api_fd.h). Runs in the master.
 *
 *   api.sock       management API; for the group of _RUN_PATH, which nginx's user is in
 *   services.sock  what scripts ask for; for the group of _WORKER_USER
 *
 * When the executor was not started by root, both are for its own user and group.
 */
#ifndef DFF_API_SOCKET_H
#define DFF_API_SOCKET_H

#include "dff_config.h"
#include "dff_err.h"

typedef struct {
    int scgi, services;      /* listening, not blocking; -1: none */
} dff_api_sockets_t;

#define DFF_API_SOCKETS_INIT  ((dff_api_sockets_t) { -1, -1 })

/* Sockets of an earlier life are removed: the caller holds the lock of _RUN_PATH. */
int dff_api_sockets_open(dff_api_sockets_t *sockets, const dff_config_t *cfg, dff_err_t *err);
/* Closes and removes them. */
void dff_api_sockets_close(dff_api_sockets_t *sockets, const dff_config_t *cfg);

#endif
