/*
 * What dff_run.c (from the claim to the worker) and dff_run_end.c (its end) share. Nobody else
 * includes it.
 */
#ifndef DFF_RUN_INTERNAL_H
#define DFF_RUN_INTERNAL_H

#include "master/dff_run.h"

/* The one place where the state changes. */
void dff_run_move(dff_run_t *run, dff_run_state_t state);
/* The soft limit. */
int dff_run_timeout_s(const dff_run_t *run);

/* These free the run. With an answer that the master makes itself; without one. */
void dff_run_fail(dff_run_t *run, dff_status_t status, const char *etype, const char *einfo);
void dff_run_free(dff_run_t *run);

/* RETRYING: asks for its way back to its queue; it is freed by the answer. */
void dff_run_ask_retry(dff_run_t *run, dff_lua_form_t form);

#endif
