/*
 * The services socket: connections of workers, many requests on each, answered one after
 * the other (docs/protocol.md). Bounds: DFF_SERVICES_MAX connections, DFF_SERVICES_HELD_MAX
 * bytes of requests and answers in all; a request that has begun must be whole, and an
 * answer be taken, within DFF_SERVICES_IO_S. Runs in the api processes.
 */
#ifndef DFF_SERVICES_H
#define DFF_SERVICES_H

#include "api/dff_api.h"

#define DFF_SERVICES_MAX       4096
#define DFF_SERVICES_HELD_MAX  (256u << 20)
#define DFF_SERVICES_IO_S      30

typedef struct dff_services_s dff_services_t;

/* NULL: err. */
dff_services_t *dff_services_new(dff_api_t *api, dff_err_t *err);
void dff_services_free(dff_services_t *services);

/* A row of dff_api_listeners. leave: what has been sent whole is answered, more cannot be
 * sent; a client that is refused that way (EPIPE) knows that its request was not taken. */
void dff_services_accept(dff_api_t *api, int fd);
void dff_services_leave(dff_api_t *api);
bool dff_services_busy(const dff_api_t *api);
/* A row of dff_api_tasks: deadlines. */
void dff_services_tick(dff_api_t *api);

#endif
