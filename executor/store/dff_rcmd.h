/*
 * One synchronous connection to Redis, for programs that may wait: dffctl and the
 * api processes. (nginx and the master have connections on their event loops.)
 *
 * Connects at the first use and again at the next use after the connection was
 * lost; a command is never repeated, since nobody knows whether it ran. Commands
 * are hiredis formats: %s only for our own text, %b with a length for the rest.
 *
 * Errors: DFF_E_SYS_CACHE. Nothing here prints or exits.
 */
#ifndef DFF_RCMD_H
#define DFF_RCMD_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "dff_config.h"
#include "dff_err.h"
#include "dff_str.h"

typedef struct dff_rcmd_s dff_rcmd_t;

/* For "%b" in a format. */
#define DFF_RCMD_B(str)  (str).data == NULL ? "" : (str).data, (str).len

/* cfg must outlive the connection. NULL: no memory. No I/O is done. */
dff_rcmd_t *dff_rcmd_new(const dff_config_t *cfg);
void dff_rcmd_free(dff_rcmd_t *rcmd);

/* For a process that serves others: connecting and each answer take at most timeout_ms
 * (else 3 and 5 s), and after a connection failed every call fails at once, with that
 * error, for retry_ms (else 0). */
void dff_rcmd_set_patience(dff_rcmd_t *rcmd, int timeout_ms, int retry_ms);

/* Connects when there is no connection: password, database, version (4.0+) and
 * that it is not a cluster. The other calls do it themselves. */
int dff_rcmd_connect(dff_rcmd_t *rcmd, dff_err_t *err);
/* "6.0.16", of the last connection made. */
const char *dff_rcmd_server_version(const dff_rcmd_t *rcmd);

/* One command. NULL: err says why (an error reply of Redis included). Else the
 * caller frees the reply with freeReplyObject. */
redisReply *dff_rcmd_run(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...);
/* The same for words with lengths, any number of them. An error reply of Redis is a
 * reply here: the caller's words may be what is wrong. */
redisReply *dff_rcmd_run_words(dff_rcmd_t *rcmd, const dff_str_t *words, size_t count,
    dff_err_t *err);
/* dff_rcmd_run for a reply that nobody looks at. */
int dff_rcmd_do(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...);

/* A pipeline: append as often as needed, then take exactly as many replies with
 * next, or drop them all with finish (DFF_ERROR: the first error reply). */
int dff_rcmd_append(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...);
redisReply *dff_rcmd_next(dff_rcmd_t *rcmd, dff_err_t *err);
int dff_rcmd_finish(dff_rcmd_t *rcmd, dff_err_t *err);

/* A transaction: multi, append as often as needed, exec. DFF_ERROR: nothing of it
 * was done, or (err says so) it is not known whether all or nothing was. */
int dff_rcmd_multi(dff_rcmd_t *rcmd, dff_err_t *err);
int dff_rcmd_exec(dff_rcmd_t *rcmd, dff_err_t *err);

/* Forgets a pipeline or transaction that was begun (closes the connection when
 * something of it was sent). */
void dff_rcmd_abandon(dff_rcmd_t *rcmd);

/* BRPOP that waits up to wait_s (1 to 60): DFF_OK with *reply NULL when nothing
 * came, or the two-element array, which the caller frees. */
int dff_rcmd_brpop(dff_rcmd_t *rcmd, const char *key, int wait_s, redisReply **reply,
    dff_err_t *err);

#endif
