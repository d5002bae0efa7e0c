/*
 * The published scripts that this node has used: id -> code, read from the hash
 * dff:scripts on demand, one HGET for all who wait. A slot is stale after a
 * change was announced (or may have been missed) and is read again at its next
 * use. Code is held up to a bound; the least recently used goes first, unless a
 * job is about to need it (pins). Runs in the master.
 */
#ifndef DFF_PUBLISHED_H
#define DFF_PUBLISHED_H

#include "dff_script.h"

#include "master/dff_master.h"

#define DFF_PUBLISHED_MAX_BYTES  (64u << 20)

typedef struct dff_published_s dff_published_t;

typedef struct dff_published_slot_s {
    TAILQ_ENTRY(dff_published_slot_s) used;       /* most recently used last */
    struct dff_published_slot_s      *next;       /* in its hash chain */
    struct dff_published_s     *cache;
    struct dff_runs_s              waiting;    /* runs in LOADING */
    uint32_t                       index;      /* in dff_worker_scripts_t */
    int                            pins;
    bool                           fresh;      /* script is what is published, as far as we know */
    bool                           loading;    /* HGET on its way */
    bool                           outdated;   /* changed while it was loading */
    bool                           asked;      /* a worker waits for it (worker->wants) */
    bool                           told;       /* that Redis does not give it is in the log */
    bool                           given;      /* to a worker: its index is taken for good */
    dff_script_t                   script;     /* code NULL: not held */
    size_t                         id_len;
    char                           id[];
} dff_published_slot_t;

dff_published_t *dff_published_new(dff_master_t *master);
void dff_published_free(dff_published_t *cache);

/* Sets run->slot. True: the script is there, pinned for the run. False: the run
 * (LOADING) is in line for it, or was told at once that it is missing and is gone. */
bool dff_published_want(dff_published_t *cache, dff_run_t *run);
/* Takes the run out of the line, or its pin off. */
void dff_published_leave(dff_published_t *cache, dff_run_t *run);
/* A worker asks in the middle of a job; it is answered now or later. */
void dff_published_need(dff_published_t *cache, dff_worker_proc_t *worker, dff_str_t id);
/* The id of a slot, "" when it has none any more. */
dff_str_t dff_published_id(const dff_published_t *cache, uint32_t index);

void dff_published_changed(dff_published_t *cache, dff_str_t id);
void dff_published_flush(dff_published_t *cache);
/* Redis is back: asks again for what somebody waits for. */
void dff_published_ask_again(dff_published_t *cache);

#endif
