/*
 * A route: everything nginx needs to serve one link without asking anyone.
 *
 * Publishers (dffctl, api processes) encode it into route:<al|bat>:<id>; nginx
 * decodes it once per cache fill. A packed route is one block without pointers
 * (offsets only), so that it lives in shared memory and is copied with memcpy.
 *
 * JSON (docs/protocol.md has the field table):
 *   {"v":1,"id":"auln-plus","kind":"al","funcId":"demo__basic.plus",
 *    "scriptVersion":3,"funcGone":false,"isDisabled":false,"expireTimeMs":0,
 *    "kwargs":{"y":2,"x":"INPUT_BY_CALLER"},
 *    "func":{"timeout":30,"apiTimeout":10,"queue":1,"cacheResult":0,
 *            "retryOnLost":false,"maxMemory":0},
 *    "apiAuth":null,"throttling":null}
 */
#ifndef DFF_ROUTE_H
#define DFF_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

typedef enum { DFF_ROUTE_AUTH_LINK, DFF_ROUTE_BATCH, DFF_ROUTE_KIND_COUNT } dff_route_kind_t;

/* "al", "bat": the URL segment and the part of the Redis key. */
const char *dff_route_kind_name(dff_route_kind_t kind);

typedef struct {
    dff_route_kind_t kind;
    dff_str_t id;
    dff_str_t func_id;
    dff_str_t kwargs;          /* JSON object of fixed arguments and placeholders; "{}" */
    dff_str_t api_auth;        /* JSON object or empty: none */
    dff_str_t throttling;      /* JSON object or empty: none */
    int64_t   expire_time_ms;  /* Unix time; 0: never */
    int       script_version;
    int       timeout_s;       /* 0: the function names none, use the default */
    int       api_timeout_s;   /* likewise */
    int       queue;           /* -1: none named */
    int       max_memory_mb;
    double    cache_result_s;
    bool      func_gone;       /* its function is no longer published */
    bool      is_disabled;
    bool      retry_on_lost;
} dff_route_t;

/* JSON text of a route, as stored. Text fields kwargs, api_auth and throttling
 * must be valid JSON. Runs in dffctl and api processes. */
void dff_route_encode(dff_buf_t *out, const dff_route_t *route);

/* Reads the stored JSON into one malloc'ed block that the caller frees; *size is
 * its length. The block may be copied anywhere of 8-byte alignment.
 * DFF_ERROR: not a route of this version, err says why. */
int dff_route_pack(dff_str_t json, void **block, size_t *size, dff_err_t *err);

/* Fills route with strings that point into the block (no allocation). */
void dff_route_unpack(const void *block, dff_route_t *route);

#endif
