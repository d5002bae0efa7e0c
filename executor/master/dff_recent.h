/*
 * Replies that Redis has acknowledged a moment ago, bounded in time and bytes. A
 * reply that nginx popped into a connection that then broke is asked for again
 * ("reask" on the change channel) and pushed once more. What Redis has lost of them with its
 * own life is found there: dff_life.h. Runs in the master.
 */
#ifndef DFF_RECENT_H
#define DFF_RECENT_H

#include "master/dff_outbox.h"

#define DFF_RECENT_MAX_MS     (10 * 1000)
#define DFF_RECENT_MAX_BYTES  (16u << 20)
#define DFF_RECENT_QUIET_BYTES (4u << 20)

typedef struct dff_recent_s dff_recent_t;

dff_recent_t *dff_recent_new(dff_master_t *master, size_t max_bytes);
void dff_recent_free(dff_recent_t *recent);
/* Takes the answer. */
void dff_recent_add(dff_recent_t *recent, dff_answer_t *answer);
/* "<producer> <task id> [<task id> ...]" */
void dff_recent_reask(dff_recent_t *recent, dff_str_t text);
/* Forgets those that are older. */
void dff_recent_expire(dff_recent_t *recent, int64_t max_ms);
/* All of them; they are as old as before. */
void dff_recent_move(dff_recent_t *to, dff_recent_t *from);
/* NULL: it is not among them. */
const dff_answer_t *dff_recent_find(const dff_recent_t *recent, dff_str_t id);

#endif
