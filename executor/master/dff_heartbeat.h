/*
 * The heartbeat: node:<node>, written every 2 s with a TTL of 10 s, says that this
 * node lives and what it does. Its answer is also the watchdog of the command
 * connection, and carries scripts:version. Runs in the master.
 */
#ifndef DFF_HEARTBEAT_H
#define DFF_HEARTBEAT_H

#include "dff_buf.h"

#include "master/dff_master.h"

typedef struct dff_heartbeat_s dff_heartbeat_t;

dff_heartbeat_t *dff_heartbeat_new(dff_master_t *master);
void dff_heartbeat_free(dff_heartbeat_t *heartbeat);
/* Every second, and when something changed: writes when it is time. */
void dff_heartbeat_tick(dff_heartbeat_t *heartbeat);
void dff_heartbeat_now(dff_heartbeat_t *heartbeat);
/* Monotonic: when Redis has taken the last one. */
int64_t dff_heartbeat_taken_ms(const dff_heartbeat_t *heartbeat);
/* Random, new with each start: tells this life of a node from the one before. */
const char *dff_heartbeat_boot_id(const dff_heartbeat_t *heartbeat);

#endif
