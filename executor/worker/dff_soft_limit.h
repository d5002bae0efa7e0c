/*
 * The soft time limit of a call: the master sends SIGUSR1 with the number of
 * the run (sigqueue, sival_int = seq & 0x7fffffff), and SoftTimeLimitExceeded
 * is raised where the script is.
 *
 * A signal names its run, so one that was sent late or meant for the call
 * before is dropped; and what Python still has pending at the end of a call is
 * drained there. Between two calls nothing is armed.
 *
 * Before that the stack of the main thread goes into the worker's black box: code that
 * never comes back to Python is killed, and this is what is known of it then.
 *
 * init runs in the zygote, the rest in a worker's main thread, GIL held.
 */
#ifndef DFF_SOFT_LIMIT_H
#define DFF_SOFT_LIMIT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "dff_black_box.h"

/* Keeps a reference to the exception class. -1: a Python exception is set. */
int dff_soft_limit_init(PyObject *exception_class);
void dff_soft_limit_begin(uint64_t seq, dff_black_box_t *box);
/* True when the limit of this call was reached. No exception is set after it. */
bool dff_soft_limit_end(void);

#endif
