/*
 * Functions that a script exports: as a worker's check lists them, and as the rows
 * of table func hold them. Texts that are JSON are kept byte for byte, so that
 * key order and the digits of defaults survive.
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_FUNC_H
#define DFF_FUNC_H

#include "dff_buf.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

#define DFF_FUNCS_MAX  2000     /* functions of one script */

typedef struct {
    char *name, *definition, *category;
    char *title, *description, *integration;    /* NULL: none */
    char *args_json, *kwargs_json, *tags_json;
    char *extra_config_json;                    /* NULL: empty */
    int   def_order;
} dff_func_t;

typedef struct {
    dff_func_t *items;
    size_t      count;
} dff_funcs_t;

/* Reads the answer to a check, {"funcs":[…]}, and checks what the table cannot
 * hold: names, lengths, duplicates, the configuration. */
int dff_func_parse(dff_str_t answer, dff_str_t script_id, dff_funcs_t *funcs, dff_err_t *err);
void dff_func_release(dff_funcs_t *funcs);      /* accepts a zeroed one */

/* What a caller of a function needs of its extraConfigJSON. */
typedef struct {
    int    timeout_s, api_timeout_s;    /* 0: not named */
    int    queue;                       /* -1: not named */
    int    max_memory_mb;               /* 0: none */
    double cache_result_s;
    bool   retry_on_lost;
} dff_func_config_t;

/* json: an object, or empty. A value of the wrong type is an error. */
int dff_func_config_read(dff_str_t json, dff_func_config_t *config, dff_err_t *err);

/* A published function in MySQL. DFF_E_CLIENT_NOT_FOUND: it is not there. */
int dff_func_find(dff_db_t *db, const char *func_id, dff_func_config_t *config,
    int *script_version, dff_err_t *err);

/* The same from Redis, which does without MySQL. */
int dff_func_published(dff_rcmd_t *rcmd, dff_str_t func_id, dff_func_config_t *config,
    int *script_version, dff_err_t *err);

/* All functions of a script as the JSON array of dff:scripts. */
int dff_func_rows_json(dff_db_t *db, dff_str_t script_id, dff_buf_t *out, dff_err_t *err);

#endif
