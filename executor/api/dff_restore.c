/* Making the published copy in Redis anew: see the header. */
#include "api/dff_restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "dff_keys.h"
#include "dff_time.h"

#include "api/dff_child.h"
#include "api/dff_lock.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

#define DFF_RESTORE_LOCK_S        "15"      /* renewed with each tick */
#define DFF_RESTORE_RETRY_MIN_MS   1000
#define DFF_RESTORE_RETRY_MAX_MS  15000
#define DFF_RESTORE_DB_TIMEOUT_S     60

struct dff_restore_s {
    dff_api_t    *api;
    char          me[DFF_ID_SIZE];          /* value of the lock */
    char          run_id[DFF_REDIS_RUN_ID_SIZE];    /* that is being restored, or looked at */
    dff_child_t   child;
    bool          locked;                   /* we have the lock */
    bool          asking;                   /* an answer of Redis is to come */
    bool          logged;                   /* that it fails */
    int           retry_ms;
    int64_t       next_ms;                  /* monotonic: not before */
};

/* --- the child --------------------------------------------------------------------- */

static int
dff_restore_child(dff_api_t *api)
{
    dff_sync_count_t count;
    dff_err_t        err;
    dff_rcmd_t      *rcmd;
    dff_db_t        *db;
    int64_t          begin_ms = dff_time_monotonic_ms();

    db = dff_db_new(api->cfg, DFF_RESTORE_DB_TIMEOUT_S);
    rcmd = dff_rcmd_new(api->cfg);
    if (db == NULL || rcmd == NULL || dff_sync_all(db, rcmd, &count, &err) != DFF_OK) {
        dff_log_info(&api->log, NULL, "restoring Redis from MySQL: %s",
                     db == NULL || rcmd == NULL ? "out of memory" : err.message);
        return 1;
    }
    dff_log_warn(&api->log, NULL, "Redis is restored from MySQL: %zu scripts, %zu routes, %zu "
                 "removed, in %lld ms", count.scripts, count.routes, count.removed,
                 (long long) (dff_time_monotonic_ms() - begin_ms));
    return 0;
}

static void
dff_restore_start(dff_restore_t *restore)
{
    dff_err_t err;

    /* When it fails the lock expires, and somebody tries again. */
    if (dff_child_start(&restore->child, dff_restore_child, &err) != DFF_OK)
        dff_log_warn(&restore->api->log, NULL, "restoring Redis from MySQL: %s", err.message);
}

/* --- the parent --------------------------------------------------------------------- */

static void
dff_restore_unlock(dff_restore_t *restore)
{
    if (restore->locked)
        dff_lock_hold(restore->api, DFF_KEY_RESTORE_LOCK, restore->me, "0");
    restore->locked = false;
}

static void
dff_restore_failed(dff_restore_t *restore)
{
    if (!restore->logged)
        dff_log_warn(&restore->api->log, NULL, "Redis is not restored from MySQL yet; tried again "
                     "every %d s", DFF_RESTORE_RETRY_MAX_MS / 1000);
    restore->logged = true;
    restore->next_ms = dff_time_monotonic_ms() + restore->retry_ms;
    restore->retry_ms *= 2;
    if (restore->retry_ms > DFF_RESTORE_RETRY_MAX_MS)
        restore->retry_ms = DFF_RESTORE_RETRY_MAX_MS;
}

static void
dff_restore_ended(void *ctx, int status)
{
    dff_restore_t    *restore = ctx;
    dff_redis_link_t *command = restore->api->command;
    const char       *argv[] = { "SET", DFF_KEY_RESTORED, restore->run_id };
    bool              good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    /* Another life of Redis than the one that it began in: begin anew. */
    if (good && dff_redis_link_ready(command)
        && strcmp(dff_redis_link_run_id(command), restore->run_id) == 0) {
        (void) dff_redis_link_command(command, NULL, NULL, 3, argv, NULL);
        restore->logged = false;
        restore->retry_ms = DFF_RESTORE_RETRY_MIN_MS;
    } else if (!good) {
        dff_restore_failed(restore);
    }
    dff_restore_unlock(restore);
}

static void
dff_restore_on_lock(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_restore_t *restore = data;
    redisReply    *reply = reply_ptr;

    (void) ac;
    restore->locked = reply != NULL && reply->type == REDIS_REPLY_STATUS;
}

static bool
dff_restore_is_missing(const dff_restore_t *restore, const redisReply *reply)
{
    return reply != NULL && reply->type != REDIS_REPLY_ERROR
        && (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, restore->run_id) != 0);
}

/* This was asked behind the lock: who had it before has made the copy, or not. */
static void
dff_restore_on_still_missing(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_restore_t *restore = data;

    (void) ac;
    restore->asking = false;
    if (restore->locked && !restore->api->leaving && dff_restore_is_missing(restore, reply_ptr))
        dff_restore_start(restore);
    else
        dff_restore_unlock(restore);
}

static void
dff_restore_on_restored(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_restore_t    *restore = data;
    dff_redis_link_t *command = restore->api->command;
    const char       *argv[] = { "SET", DFF_KEY_RESTORE_LOCK, restore->me, "NX", "EX",
                                 DFF_RESTORE_LOCK_S };

    (void) ac;
    restore->asking = false;
    if (dff_restore_is_missing(restore, reply_ptr)
        && dff_redis_link_command(command, dff_restore_on_lock, restore, 6, argv, NULL) == DFF_OK)
        restore->asking = dff_redis_link_commandf(command, dff_restore_on_still_missing, restore,
                                                  "GET " DFF_KEY_RESTORED) == DFF_OK;
}

void
dff_restore_tick(dff_api_t *api)
{
    dff_restore_t *restore = api->restore;

    if (api->leaving || !dff_redis_link_ready(api->command))
        return;
    if (restore->child.pid > 0) {
        dff_lock_hold(api, DFF_KEY_RESTORE_LOCK, restore->me, DFF_RESTORE_LOCK_S);
        return;
    }
    if (restore->asking || dff_time_monotonic_ms() < restore->next_ms)
        return;
    (void) snprintf(restore->run_id, sizeof(restore->run_id), "%s",
                    dff_redis_link_run_id(api->command));
    restore->asking = dff_redis_link_commandf(api->command, dff_restore_on_restored, restore,
                                              "GET " DFF_KEY_RESTORED) == DFF_OK;
}

dff_restore_t *
dff_restore_new(dff_api_t *api)
{
    dff_restore_t *restore = calloc(1, sizeof(*restore));

    if (restore == NULL)
        return NULL;
    restore->api = api;
    restore->retry_ms = DFF_RESTORE_RETRY_MIN_MS;
    if (dff_child_init(&restore->child, api, dff_restore_ended, restore, NULL) == DFF_OK
        && dff_id_make(&api->ids, restore->me, "api-") != 0)
        return restore;
    dff_restore_free(restore);
    return NULL;
}

void
dff_restore_free(dff_restore_t *restore)
{
    if (restore == NULL)
        return;
    dff_child_release(&restore->child);
    free(restore);
}
