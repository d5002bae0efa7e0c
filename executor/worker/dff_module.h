/*
 * Script modules: a script's body run in a fresh namespace.
 *
 * A module is in sys.modules only while its call runs, so that scripts import
 * each other (and dataclasses, pickle and the like find it) and nothing stays.
 * Runs in a worker, GIL held. NULL or -1: a Python exception is set.
 */
#ifndef DFF_MODULE_H
#define DFF_MODULE_H

#include "dff_worker.h"

int dff_module_init(dff_worker_t *worker);

/* A new module for script, its namespace filled and its body not yet run; in
 * sys.modules from now on. New reference. */
PyObject *dff_module_open(dff_worker_t *worker, dff_live_script_t *script);
/* Runs the body. */
int dff_module_run(PyObject *module, dff_live_script_t *script);
/* Closes all modules of the call: sys.modules forgets them, and their contents are
 * freed at once where nothing outside holds them (else worker->is_cyclic is set). */
void dff_module_close_all(dff_worker_t *worker);

/*
 * The module of script id, as an import statement wants it: the call's own if
 * it is there, else opened and run. New reference. NULL without an exception:
 * no such script.
 */
PyObject *dff_module_import(dff_worker_t *worker, PyObject *id);

/* The newest script of that id, of at least the version, or the draft of it that came
 * with the job; asks the master when it
 * must. New reference. NULL without an exception: none. */
dff_live_script_t *dff_module_find_script(dff_worker_t *worker, PyObject *id,
    uint32_t min_version);

/* __import__ of the builtins: resolves the short form (import __tools) and takes
 * scripts before packages; everything else is Python's own. */
PyObject *dff_module_import_statement(dff_worker_t *worker, PyObject *name, PyObject *globals,
    PyObject *locals, PyObject *fromlist, int level);

#endif
