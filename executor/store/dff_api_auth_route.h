/*
 * From the row of an API auth to "apiAuth" of a route (common/dff_route_auth.h): secrets
 * are opened, their proofs made, and wiped. Runs in dffctl and the api processes.
 */
#ifndef DFF_API_AUTH_ROUTE_H
#define DFF_API_AUTH_ROUTE_H

#include "dff_route_auth.h"

typedef struct {            /* what a route is made of */
    dff_str_t             secret;
    dff_str_t             id;
    dff_str_t             type;       /* text of the row; empty: there is no such row */
    dff_str_t             stored;
    dff_route_kind_t      kind;       /* of the link, for its realm */
    dff_str_t             link_id;
    dff_route_auth_func_t func;       /* where type is func; func_id is taken from stored */
} dff_api_auth_source_t;

/* Adds "apiAuth" of a route to out. What cannot be understood or decrypted becomes a
 * closed door, so that one bad row does not keep a script from being published.
 * DFF_ERROR: no memory only. */
int dff_api_auth_route(dff_buf_t *out, const dff_api_auth_source_t *source,
    dff_err_t *err);

#endif
