/* The published scripts that this node has used. Runs in the master. */
#include "dff_published.h"

#include <stdlib.h>
#include <string.h>

#include "dff_id.h"

#include "master/dff_pool.h"
#include "master/dff_run.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

#define DFF_PUBLISHED_CHAINS  1024u        /* a power of two */

TAILQ_HEAD(dff_published_slots_s, dff_published_slot_s);

struct dff_published_s {
    dff_master_t              *master;
    dff_published_slot_t         *chains[DFF_PUBLISHED_CHAINS];
    dff_published_slot_t        **slots;          /* by index; NULL: free */
    uint32_t                   count, size;
    struct dff_published_slots_s  used;
    size_t                     bytes;          /* of code held */
};

static void dff_published_slot_load(dff_published_t *cache, dff_published_slot_t *slot);

dff_published_t *
dff_published_new(dff_master_t *master)
{
    dff_published_t *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        return NULL;
    cache->master = master;
    TAILQ_INIT(&cache->used);
    return cache;
}

void
dff_published_free(dff_published_t *cache)
{
    uint32_t i;

    if (cache == NULL)
        return;
    for (i = 0; i < cache->count; i++) {
        if (cache->slots[i] != NULL)
            dff_script_release(&cache->slots[i]->script);
        free(cache->slots[i]);
    }
    free(cache->slots);
    free(cache);
}

/* --- slots ---------------------------------------------------------------- */

static unsigned
dff_published_hash(dff_str_t id)
{
    unsigned hash = 2166136261u;
    size_t   i;

    for (i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char) id.data[i]) * 16777619u;
    return hash & (DFF_PUBLISHED_CHAINS - 1);
}

static dff_published_slot_t *
dff_published_slot_find(dff_published_t *cache, dff_str_t id)
{
    dff_published_slot_t *slot = cache->chains[dff_published_hash(id)];

    while (slot != NULL && !dff_str_eq((dff_str_t) { slot->id, slot->id_len }, id))
        slot = slot->next;
    return slot;
}

static bool
dff_published_index(dff_published_t *cache, uint32_t *index)
{
    for (*index = 0; *index < cache->count; (*index)++) {
        if (cache->slots[*index] == NULL)
            return true;
    }
    if (cache->count == cache->size) {
        uint32_t            size = cache->size == 0 ? 64 : cache->size * 2;
        dff_published_slot_t **slots = realloc(cache->slots, size * sizeof(*slots));

        if (slots == NULL)
            return false;
        cache->slots = slots;
        cache->size = size;
    }
    cache->slots[cache->count++] = NULL;
    return true;
}

static dff_published_slot_t *
dff_published_slot_get(dff_published_t *cache, dff_str_t id)
{
    dff_published_slot_t *slot = dff_published_slot_find(cache, id);
    unsigned           chain;

    if (slot != NULL) {
        TAILQ_REMOVE(&cache->used, slot, used);
        TAILQ_INSERT_TAIL(&cache->used, slot, used);
        return slot;
    }

    slot = calloc(1, sizeof(*slot) + id.len + 1);
    if (slot == NULL || !dff_published_index(cache, &slot->index)) {
        free(slot);
        return NULL;
    }
    memcpy(slot->id, id.data, id.len);
    slot->id_len = id.len;
    slot->cache = cache;
    TAILQ_INIT(&slot->waiting);
    TAILQ_INSERT_TAIL(&cache->used, slot, used);
    cache->slots[slot->index] = slot;
    chain = dff_published_hash(id);
    slot->next = cache->chains[chain];
    cache->chains[chain] = slot;
    return slot;
}

/* Ids that nothing is published under must not pile up; a slot whose script a
 * worker was given keeps its index, which that worker's notes are made with. */
static void
dff_published_slot_free_unused(dff_published_t *cache, dff_published_slot_t *slot)
{
    dff_published_slot_t **at = &cache->chains[dff_published_hash((dff_str_t) { slot->id,
                                                                          slot->id_len })];

    if (slot->given || slot->pins > 0 || slot->loading || slot->script.code != NULL
        || slot->asked || !TAILQ_EMPTY(&slot->waiting))
        return;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    TAILQ_REMOVE(&cache->used, slot, used);
    cache->slots[slot->index] = NULL;
    free(slot);
}

static void
dff_published_slot_clear(dff_published_t *cache, dff_published_slot_t *slot)
{
    if (slot->script.code != NULL)
        cache->bytes -= slot->script.code_len;
    dff_script_release(&slot->script);
    slot->script = (dff_script_t) { .code = NULL };
    slot->fresh = false;
}

static void
dff_published_shrink(dff_published_t *cache)
{
    dff_published_slot_t *slot;

    TAILQ_FOREACH(slot, &cache->used, used) {
        if (cache->bytes <= DFF_PUBLISHED_MAX_BYTES)
            return;
        if (slot->pins == 0 && slot->script.code != NULL)
            dff_published_slot_clear(cache, slot);
    }
}

dff_str_t
dff_published_id(const dff_published_t *cache, uint32_t index)
{
    const dff_published_slot_t *slot = index < cache->count ? cache->slots[index] : NULL;

    return slot == NULL ? DFF_STR("") : (dff_str_t) { slot->id, slot->id_len };
}

/* --- what workers have ---------------------------------------------------- */

static void
dff_published_slot_tell_workers(dff_published_t *cache, const dff_published_slot_t *slot)
{
    dff_pool_t        *pool = cache->master->pool;
    dff_worker_proc_t *worker;
    int                i;

    for (i = 0; i < pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &pool->groups[i].workers, all)
            dff_worker_scripts_changed(&worker->scripts, slot->index);
    }
}

static void
dff_published_answer(dff_worker_proc_t *worker, dff_published_slot_t *slot, dff_str_t id)
{
    dff_buf_t    out = DFF_BUF_INIT;
    struct iovec iov;
    size_t       begin;

    worker->wants = NULL;
    if (slot != NULL && slot->script.code != NULL) {
        dff_worker_scripts_give(&worker->scripts, slot, &out);
    } else {
        begin = dff_frame_begin(&out, DFF_FRAME_NO_SCRIPT, 0);
        dff_frame_put_str(&out, id);
        dff_frame_end(&out, begin);
    }

    if (dff_buf_failed(&out)) {
        dff_worker_proc_kill(worker, "no memory to send it a script");
    } else {
        iov = (struct iovec) { out.data, out.len };
        (void) dff_worker_proc_send(worker, &iov, 1);
    }
    dff_buf_release(&out);
}

static void
dff_published_slot_answer_all(dff_published_t *cache, dff_published_slot_t *slot)
{
    dff_pool_t        *pool = cache->master->pool;
    dff_worker_proc_t *worker;
    int                i;

    slot->asked = false;
    for (i = 0; i < pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &pool->groups[i].workers, all) {
            if (worker->wants == slot)
                dff_published_answer(worker, slot, (dff_str_t) { slot->id, slot->id_len });
        }
    }
}

/* --- loading -------------------------------------------------------------- */

/* Runs that were in line go on, line up again (once), or learn that it is missing. */
static void
dff_published_slot_serve(dff_published_t *cache, dff_published_slot_t *slot)
{
    struct dff_runs_s line;
    dff_run_t        *run;
    bool              again = false;

    TAILQ_INIT(&line);
    TAILQ_CONCAT(&line, &slot->waiting, line);
    /* The slot must stay while its runs are looked at. */
    slot->pins++;

    while ((run = TAILQ_FIRST(&line)) != NULL) {
        TAILQ_REMOVE(&line, run, line);
        if (slot->script.code != NULL && slot->script.version >= run->job.script_version) {
            slot->pins++;
            dff_run_script_ready(run);
        } else if (run->reloaded) {
            run->slot = NULL;
            dff_run_script_missing(run);
        } else {
            /* The HGET may have been sent before the job was claimed. */
            run->reloaded = true;
            TAILQ_INSERT_TAIL(&slot->waiting, run, line);
            again = true;
        }
    }

    dff_published_slot_answer_all(cache, slot);
    slot->pins--;
    if (again)
        dff_published_slot_load(cache, slot);
}

static void
dff_published_slot_take(dff_published_t *cache, dff_published_slot_t *slot, dff_str_t json)
{
    dff_script_t script = { .code = NULL };
    dff_err_t    err;
    int          version = slot->script.version;

    dff_published_slot_clear(cache, slot);
    if (dff_script_decode(json, &script, &err) != DFF_OK) {
        dff_log_error(&cache->master->log, NULL, "script %s in Redis is unreadable: %s", slot->id,
                      err.message);
        return;
    }
    if (version != 0 && version != script.version)
        dff_published_slot_tell_workers(cache, slot);
    slot->script = script;
    slot->fresh = !slot->outdated;
    cache->bytes += script.code_len;
    dff_published_shrink(cache);
}

static void
dff_published_on_load(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_published_slot_t  *slot = data;
    redisReply         *reply = reply_ptr;
    dff_published_t *cache = slot->cache;

    (void) ac;
    slot->loading = false;
    if (reply == NULL)
        return;             /* asked again when Redis is back */
    if (reply->type == REDIS_REPLY_ERROR) {
        if (!slot->told)
            dff_log_warn(&cache->master->log, NULL, "HGET %s %s: %s; tried again every second",
                         DFF_KEY_SCRIPTS, slot->id, reply->str);
        slot->told = true;
        return;
    }

    slot->told = false;
    slot->pins++;
    if (reply->type == REDIS_REPLY_STRING)
        dff_published_slot_take(cache, slot, (dff_str_t) { reply->str, (size_t) reply->len });
    else
        dff_published_slot_clear(cache, slot);
    dff_published_slot_serve(cache, slot);
    slot->pins--;
    dff_published_slot_free_unused(cache, slot);
}

static void
dff_published_slot_load(dff_published_t *cache, dff_published_slot_t *slot)
{
    const char *argv[] = { "HGET", DFF_KEY_SCRIPTS, slot->id };
    size_t      argvlen[] = { 4, sizeof(DFF_KEY_SCRIPTS) - 1, slot->id_len };

    if (slot->loading)
        return;
    slot->outdated = false;
    if (dff_redis_link_command(cache->master->command, dff_published_on_load, slot, 3, argv,
                               argvlen) == DFF_OK)
        slot->loading = true;
}

/* --- from others ---------------------------------------------------------- */

bool
dff_published_want(dff_published_t *cache, dff_run_t *run)
{
    dff_str_t             id = dff_id_func_script(run->job.func_id);
    dff_published_slot_t *slot = dff_published_slot_get(cache, id);

    if (slot == NULL) {
        dff_run_script_missing(run);
        return false;
    }
    run->slot = slot;
    if (slot->fresh && slot->script.version >= run->job.script_version) {
        slot->pins++;
        return true;
    }
    TAILQ_INSERT_TAIL(&slot->waiting, run, line);
    dff_published_slot_load(cache, slot);
    return false;
}

void
dff_published_leave(dff_published_t *cache, dff_run_t *run)
{
    dff_published_slot_t *slot = run->slot;

    if (slot == NULL)
        return;
    run->slot = NULL;
    if (run->state == DFF_RUN_LOADING) {
        TAILQ_REMOVE(&slot->waiting, run, line);
        return;
    }
    slot->pins--;
    if (cache->bytes > DFF_PUBLISHED_MAX_BYTES)
        dff_published_shrink(cache);
}

void
dff_published_need(dff_published_t *cache, dff_worker_proc_t *worker, dff_str_t id)
{
    /* What a worker sends is a stranger's: user code shares its process. */
    dff_published_slot_t *slot = dff_id_is_script(id) ? dff_published_slot_get(cache, id) : NULL;

    if (slot == NULL || slot->fresh) {
        dff_published_answer(worker, slot, id);
        return;
    }
    worker->wants = slot;
    slot->asked = true;
    dff_published_slot_load(cache, slot);
}

void
dff_published_changed(dff_published_t *cache, dff_str_t id)
{
    dff_published_slot_t *slot = dff_published_slot_find(cache, id);

    if (slot == NULL)
        return;
    slot->fresh = false;
    slot->outdated = true;
    dff_published_slot_tell_workers(cache, slot);
}

void
dff_published_flush(dff_published_t *cache)
{
    dff_pool_t        *pool = cache->master->pool;
    dff_published_slot_t *slot;
    dff_worker_proc_t *worker;
    int                i;

    TAILQ_FOREACH(slot, &cache->used, used) {
        slot->fresh = false;
        slot->outdated = true;
    }
    for (i = 0; i < pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &pool->groups[i].workers, all)
            dff_worker_scripts_all_changed(&worker->scripts);
    }
}

void
dff_published_ask_again(dff_published_t *cache)
{
    dff_published_slot_t *slot;

    TAILQ_FOREACH(slot, &cache->used, used) {
        if (!slot->loading && (slot->asked || !TAILQ_EMPTY(&slot->waiting)))
            dff_published_slot_load(cache, slot);
    }
}
