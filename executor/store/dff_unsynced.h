/*
 * Marks in MySQL (sql/0008-unsynced.sql) of what was changed and is not known to be in
 * Redis. A change and its mark are committed together; dff_sync_*() removes the marks that
 * it saw before it read what it told Redis. So whoever dies in between leaves a mark, and
 * dff_unsynced_repair() does what is left. A mark too many costs a sync that changes nothing.
 *
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_UNSYNCED_H
#define DFF_UNSYNCED_H

#include <stdint.h>

#include "dff_route.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

typedef enum {
    DFF_UNSYNCED_NOTHING,       /* Redis does not have it: no mark */
    DFF_UNSYNCED_SCRIPT, DFF_UNSYNCED_AUTH_LINK, DFF_UNSYNCED_BATCH, DFF_UNSYNCED_API_AUTH,
    DFF_UNSYNCED_KINDS
} dff_unsynced_kind_t;

dff_unsynced_kind_t dff_unsynced_link_kind(dff_route_kind_t kind);

/* Inside the transaction of the change. */
int dff_unsynced_mark(dff_db_t *db, dff_unsynced_kind_t kind, dff_str_t id, dff_err_t *err);
/* The same for each script of a set, as they are now. */
int dff_unsynced_mark_set(dff_db_t *db, dff_str_t set_id, dff_err_t *err);

#define DFF_UNSYNCED_SEEN_MAX  32

typedef struct {            /* marks of one thing */
    size_t  count;
    int64_t seq[DFF_UNSYNCED_SEEN_MAX];
} dff_unsynced_seen_t;

/* The marks that are there, before what they are of is read. */
int dff_unsynced_see(dff_db_t *db, dff_unsynced_kind_t kind, dff_str_t id,
    dff_unsynced_seen_t *seen, dff_err_t *err);
/* After Redis was told. A failure is no error: the marks stay, and it is done once more. */
void dff_unsynced_remove(dff_db_t *db, const dff_unsynced_seen_t *seen);

typedef struct {
    size_t      done;
    size_t      dropped;        /* that can never be synced: their marks are removed */
    dff_err_t   why;            /* of the last of them */
    bool        more;           /* there may be more to do */
} dff_unsynced_work_t;

/* Does what marks of at least age_ms tell, for a few hundred ms at most. Nothing to do is one
 * small SELECT. DFF_ERROR: MySQL or Redis is away. */
int dff_unsynced_repair(dff_db_t *db, dff_rcmd_t *rcmd, int age_ms, dff_unsynced_work_t *work,
    dff_err_t *err);

#endif
