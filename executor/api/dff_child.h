/*
 * A child of an api process for work that takes minutes, while the process goes on
 * answering: one at a time for each dff_child_t. It has the parent's memory as of its
 * start, the log, and nothing else of it; connections it makes itself. It runs at lower
 * priority, since calls come first, and ends with its parent.
 */
#ifndef DFF_CHILD_H
#define DFF_CHILD_H

#include <sys/types.h>

#include "api/dff_api.h"

typedef struct {
    dff_api_t    *api;
    pid_t         pid;                          /* 0: none */
    struct event *chld;
    void        (*ended)(void *ctx, int status);    /* of waitpid(); the next may be started */
    void         *ctx;
} dff_child_t;

/* *child is zeroed, and stays where it is. */
int dff_child_init(dff_child_t *child, dff_api_t *api, void (*ended)(void *ctx, int status),
    void *ctx, dff_err_t *err);
/* Kills the child; ended() is not called. Accepts a zeroed one. */
void dff_child_release(dff_child_t *child);

/* run() is the child, and what it returns its exit status. DFF_ERROR: there is none. */
int dff_child_start(dff_child_t *child, int (*run)(dff_api_t *api), dff_err_t *err);

#endif
