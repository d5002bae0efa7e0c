/*
 * Data sources (DFF.SRC), table data_source. The passwords and keys of a config are
 * sealed in MySQL (dff_secret.h); nothing but dff_source_open gives them back. Runs in
 * dffctl and the api processes.
 */
#ifndef DFF_SOURCE_H
#define DFF_SOURCE_H

#include "dff_buf.h"
#include "store/dff_db.h"

#define DFF_SOURCE_CONFIG_MAX  65536     /* bytes */

typedef enum { DFF_SOURCE_ADD, DFF_SOURCE_MODIFY } dff_source_mode_t;

/* data NULL: not given, in a new one none, else unchanged. */
typedef struct {
    dff_source_mode_t mode;
    dff_str_t         id;
    dff_str_t         title, description;
    dff_str_t         type;       /* ADD only: it cannot change */
    dff_str_t         config;     /* JSON object as given, with plain secrets; one that is left
                                     out stays as it is stored, null or "" removes it */
} dff_source_request_t;

/* DFF_E_CLIENT_DUPLICATED (ADD), DFF_E_CLIENT_NOT_FOUND (MODIFY), DFF_E_CLIENT_BAD_REQUEST,
 * DFF_E_BIZ_CONDITION (a built-in one, a reserved id). */
int dff_source_set(dff_db_t *db, const dff_source_request_t *request, dff_err_t *err);
int dff_source_delete(dff_db_t *db, dff_str_t id, dff_err_t *err);

/* By id: id, type, title, configJSON as it is stored (for dff_source_tell). */
int dff_source_list(dff_db_t *db, int limit, dff_db_rows_t *rows, dff_err_t *err);
/* Adds the config without its secrets as JSON. */
void dff_source_tell(dff_buf_t *out, dff_str_t stored);

typedef struct {
    char      type[65];
    char      version[33];      /* another one when type or config have changed */
    dff_buf_t config;           /* JSON with plain secrets; wiped by release */
} dff_source_t;

/* DFF_E_CLIENT_NOT_FOUND; release in any case. */
int dff_source_open(dff_db_t *db, dff_str_t id, dff_source_t *source, dff_err_t *err);
void dff_source_release(dff_source_t *source);

/* --- dff_source_config.c: pure code -------------------------------------------- */

/* stored: NULL data for a new one. Adds the config to be stored to out. */
int dff_source_config_seal(dff_buf_t *out, dff_str_t secret, const dff_source_request_t *request,
    dff_str_t type, dff_str_t stored, dff_err_t *err);
/* Adds {"requiredFields":[…],"optionalFields":[…]} of a type, lists that are empty for one
 * that there is not. */
void dff_source_fields(dff_buf_t *out, dff_str_t type);
/* Adds the config with plain secrets. */
int dff_source_config_open(dff_buf_t *out, dff_str_t secret, dff_str_t id, dff_str_t stored,
    dff_err_t *err);

#endif
