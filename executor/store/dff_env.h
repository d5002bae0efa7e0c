/*
 * Environment variables of scripts (DFF.ENV), table env_variable. Values are texts; a
 * reader casts them by their type. Runs in dffctl and the api processes.
 */
#ifndef DFF_ENV_H
#define DFF_ENV_H

#include "store/dff_db.h"

#define DFF_ENV_ID_MAX     64
#define DFF_ENV_TITLE_MAX  256       /* characters */

typedef enum { DFF_ENV_ADD, DFF_ENV_MODIFY, DFF_ENV_PUT } dff_env_mode_t;

/* data NULL: not given, in a new one its default, else unchanged. */
typedef struct {
    dff_env_mode_t mode;             /* PUT: add or modify */
    dff_str_t      id;
    dff_str_t      title, description, value;
    dff_str_t      type;             /* a new one: string */
} dff_env_request_t;

/* DFF_E_CLIENT_DUPLICATED (ADD), DFF_E_CLIENT_NOT_FOUND (MODIFY), DFF_E_CLIENT_BAD_REQUEST. */
int dff_env_set(dff_db_t *db, const dff_env_request_t *request, dff_err_t *err);
int dff_env_delete(dff_db_t *db, dff_str_t id, dff_err_t *err);

typedef struct {
    dff_str_t id, title, type, value;       /* title: data NULL when there is none */
} dff_env_row_t;

typedef int (*dff_env_row_fn)(void *ctx, const dff_env_row_t *row, dff_err_t *err);

/* All of them by id, as they come: row must not use db. */
int dff_env_each(dff_db_t *db, dff_env_row_fn row, void *ctx, dff_err_t *err);

/* [A-Za-z_][A-Za-z0-9_]*, up to 64: variables, data sources. */
bool dff_env_is_id(dff_str_t id);

#endif
