/*
 * The fields of a query against a table of what a route knows. Unknown and repeated keys
 * are refused; values stay texts. Pure code.
 */
#ifndef DFF_WEB_QUERY_H
#define DFF_WEB_QUERY_H

#include "api/http/dff_endpoint.h"

/* Allowed in every query: a token, for downloads. */
#define DFF_WEB_QUERY_TOKEN  "xDFFAuthToken"

/* What a list of an entity knows, one property for each i; false behind the last. */
bool dff_web_query_prop(const dff_endpoint_t *endpoint, size_t i, dff_prop_t *prop);
/* Does the route look at its query at all? */
bool dff_web_query_checked(const dff_endpoint_t *endpoint);

int dff_web_query_check(const dff_endpoint_t *endpoint, const dff_web_request_t *request,
    dff_err_t *err);

#endif
