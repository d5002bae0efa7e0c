/*
 * The change channel: what publishers and nginx announce on dff:changed. A
 * message is a verb and its words; verbs that are not for a master are passed
 * over. A subscriber that was away treats everything as changed. Runs in the master.
 */
#ifndef DFF_CHANGES_H
#define DFF_CHANGES_H

#include "master/dff_master.h"

typedef struct dff_changes_s dff_changes_t;

dff_changes_t *dff_changes_new(dff_master_t *master);
void dff_changes_free(dff_changes_t *changes);
/* Every second: a silent connection is found out. */
void dff_changes_watch(dff_changes_t *changes);
/* Every heartbeat: scripts:version. A publish that was not announced to us shows
 * as a count that stays ahead of the announcements; all scripts are read again. */
void dff_changes_scripts_version(dff_changes_t *changes, long long version);
long long dff_changes_last_version(const dff_changes_t *changes);

#endif
