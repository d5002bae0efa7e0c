/*
 * The config of an API auth: as somebody gives it, with plain passwords and values, and as
 * MySQL keeps it, where they are sealed (dff_secret.h). One table says what the rows of
 * each type have. (For routes: dff_api_auth_route.h.) Runs in dffctl and the api processes.
 */
#ifndef DFF_API_AUTH_CONFIG_H
#define DFF_API_AUTH_CONFIG_H

#include <jansson.h>

#include "dff_route_auth.h"

#define DFF_API_AUTH_CONFIG_MAX  (1u << 20)     /* bytes of a given config */

/*
 * Checks given and adds the stored form to out. stored: the form that is replaced, whose
 * passwords stay for users that are given without one; empty: none. For a function only
 * its id is checked, not that it is published.
 */
int dff_api_auth_config_seal(dff_buf_t *out, dff_str_t secret, dff_str_t id,
    dff_auth_type_t type, dff_str_t given, dff_str_t stored, dff_err_t *err);

/* The function's id of a stored form, "" when it has none; at most size - 1 bytes. */
void dff_api_auth_config_func(char *out, size_t size, dff_str_t stored);

/* What a listing may say of a stored form: names, never secrets. */
void dff_api_auth_config_tell(dff_buf_t *out, dff_str_t stored);

/* Used by dff_api_auth_route.c too: the text behind a key (data NULL: it is none), and
 * whose secret a row holds, for dff_secret.h: "apia-x user bob", "apia-x header x-token". */
dff_str_t dff_auth_config_get(const json_t *object, const char *key);
void dff_auth_config_context(dff_buf_t *out, dff_str_t id, const json_t *row);

#endif
