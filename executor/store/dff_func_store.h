/*
 * The durable keys and values of scripts (DFF.STORE), table func_store: JSON texts by
 * scope and key, which may expire. An expired row reads as none; the automatic cleaning
 * removes it. Runs in the api processes.
 */
#ifndef DFF_FUNC_STORE_H
#define DFF_FUNC_STORE_H

#include "dff_buf.h"
#include "store/dff_db.h"

typedef struct {
    dff_str_t scope, key;      /* UTF-8, 1 to 256 characters each: the caller checks */
} dff_func_store_key_t;

typedef struct {
    dff_str_t value;           /* JSON, checked */
    int64_t   expire_ms;       /* from now, rounded up to seconds; 0: never */
    bool      not_exists;      /* leave a value that is there */
} dff_func_store_set_t;

/* One statement, so a value is there whole or not at all. *done: false when not_exists
 * and there was one. */
int dff_func_store_set(dff_db_t *db, const dff_func_store_key_t *key,
    const dff_func_store_set_t *set, bool *done, dff_err_t *err);
/* Adds the value to out; nothing when there is none. */
int dff_func_store_get(dff_db_t *db, const dff_func_store_key_t *key, dff_buf_t *out,
    dff_err_t *err);
/* *found: there was one. */
int dff_func_store_delete(dff_db_t *db, const dff_func_store_key_t *key, bool *found,
    dff_err_t *err);

#endif
