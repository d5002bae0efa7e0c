/*
 * The scripts that a worker has been sent, each compiled once per version.
 *
 * A dff_script_t of common/ is what lies in Redis; this is the live side: a
 * Python object, so that a running call keeps its script while a newer version
 * takes its place. Runs in a worker, GIL held.
 */
#ifndef DFF_SCRIPT_CACHE_H
#define DFF_SCRIPT_CACHE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#include "dff_str.h"

typedef struct {
    PyObject_HEAD
    PyObject *id;        /* str, interned */
    PyObject *text;      /* str: the source */
    PyObject *code;      /* compiled; NULL before the first use */
    uint32_t  version;
} dff_live_script_t;

/* -1: a Python exception is set. Runs in the zygote. */
int dff_script_cache_init(void);

/* New reference. NULL: a Python exception is set. */
dff_live_script_t *dff_live_script_new(dff_str_t id, dff_str_t text, uint32_t version);

/* The module body's code, compiled when needed; borrowed from the script. NULL:
 * SyntaxError or the like is set. */
PyObject *dff_live_script_code(dff_live_script_t *script);

/* cache: dict, id -> script. put takes the place of an older one, drop with the
 * empty id forgets all; both also make linecache forget the old text. */
int dff_script_cache_put(PyObject *cache, dff_live_script_t *script);
int dff_script_cache_drop(PyObject *cache, dff_str_t id);
/* For texts that are not in the cache: linecache forgets what it read by that id. */
int dff_script_cache_forget_lines(PyObject *id);
/* New reference, or NULL without an exception when it is not there. */
dff_live_script_t *dff_script_cache_get(PyObject *cache, PyObject *id);

#endif
