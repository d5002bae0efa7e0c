/*
 * Replies that Redis has acknowledged a moment ago, bounded in time and bytes. A
 * reply that nginx popped into a connection that then broke is asked for again
 * ("reask" on the change channel) and pushed once more. Runs in the master.
 */
#ifndef DFF_RECENT_H
#define DFF_RECENT_H

#include "master/dff_outbox.h"

#define DFF_RECENT_MAX_MS     (10 * 1000)
#define DFF_RECENT_MAX_BYTES  (16u << 20)

typedef struct dff_recent_s dff_recent_t;

dff_recent_t *dff_recent_new(dff_master_t *master);
void dff_recent_free(dff_recent_t *recent);
/* Takes the answer. */
void dff_recent_add(dff_recent_t *recent, dff_answer_t *answer);
/* "<producer> <task id> [<task id> ...]" */
void dff_recent_reask(dff_recent_t *recent, dff_str_t text);
void dff_recent_expire(dff_recent_t *recent);

#endif
