/*
 * Claiming: takes jobs from the queues into claimed:<node>, as many as the groups
 * have places for.
 *
 * Each served queue has its own connection with one or more BRPOPLPUSH on it,
 * because Redis answers a connection's blocking commands one after the other. An
 * idle queue has one outstanding; one that brings jobs gets a window that
 * doubles, so that it is fed back to back without a round trip for each job. A
 * group's outstanding commands together never exceed its free places, but for
 * one for each queue. Runs in the master.
 */
#ifndef DFF_CLAIM_H
#define DFF_CLAIM_H

#include "master/dff_master.h"

typedef struct dff_claim_s dff_claim_t;

dff_claim_t *dff_claim_new(dff_master_t *master);
void dff_claim_free(dff_claim_t *claim);

/* Opens the connections. */
void dff_claim_begin(dff_claim_t *claim);
/* Closes them, and sees to it that Redis has, too: a command that blocks there
 * would go on claiming for us. */
void dff_claim_stop(dff_claim_t *claim);
/* End of a turn of the loop: asks for what there is room for. */
void dff_claim_settle(dff_claim_t *claim);
/* Every second: gives up connections that have not answered when they must have. */
void dff_claim_watch(dff_claim_t *claim);

/* The connection for commands has ended: what lies unread in those of the queues may have
 * been given away meanwhile. They are made anew; the sweep finds the rest. */
void dff_claim_distrust(dff_claim_t *claim);

#endif
