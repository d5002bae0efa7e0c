/*
 * What a call must not leave behind for the next one.
 *
 * Functions that change the process (chdir, umask, setlocale, signal, fork, …)
 * are replaced in the zygote by guards, which call them and note what was
 * touched; a call that touches nothing pays nothing. What is cheap to look at
 * (threads, sys.path, sys.stdout, whether the names of the modules that all
 * scripts use are as they were) is looked at after every call.
 *
 * Runs in a worker, GIL held; _dff.guard() in the zygote.
 */
#ifndef DFF_GUARD_H
#define DFF_GUARD_H

#include <stdbool.h>

#include "dff_python.h"

/* -1: a Python exception is set. Runs in the zygote. */
int dff_guard_init(void);

/* A callable that notes flag and calls function. New reference. */
PyObject *dff_guard_new(PyObject *function, unsigned flag);

/* Notes flag when the dict changes at all, or the list its length. Runs in the zygote.
 * -1: a Python exception is set. */
int dff_guard_watch(PyObject *object, unsigned flag);

/* The worker has put a script into sys.modules; and: it will take them out now. What has
 * changed between the last of the first and the second was the script's doing. */
void dff_guard_modules_ours(void);
void dff_guard_modules_look(void);

/* Forgets what was noted: in a new worker, what the zygote did to itself. */
void dff_guard_clear(void);

/* Puts back what can be put back. True: the worker is to be replaced. No Python
 * exception is set after it. */
bool dff_guard_restore(const dff_python_t *py);

#endif
