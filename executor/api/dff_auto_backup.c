/* Backups of the database by themselves: see the header. */
#include "api/dff_auto_backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "dff_crontab.h"
#include "dff_keys.h"
#include "dff_time.h"

#include "api/dff_child.h"
#include "api/dff_lock.h"
#include "store/dff_backup.h"

#include "dff_banned.h"

#define DFF_AUTO_BACKUP_LOCK_S        "15"      /* renewed with each tick */
#define DFF_AUTO_BACKUP_KEPT_S        "3600"    /* longer than anybody asks for that minute */
#define DFF_AUTO_BACKUP_DB_TIMEOUT_S  600       /* for a statement */

struct dff_auto_backup_s {
    dff_api_t    *api;
    dff_crontab_t crontab;
    bool          on;
    dff_child_t   child;
    char          me[DFF_ID_SIZE];      /* value of the lock */
    int64_t       due;                  /* that is asked for, or made; Unix time / 60 */
    int64_t       settled;              /* this one is made, or somebody has tried */
    bool          locked;               /* we have the lock */
    bool          asking;               /* an answer of Redis is to come */
};

/* --- the child ----------------------------------------------------------------------- */

static int
dff_auto_backup_child(dff_api_t *api)
{
    int64_t           begin_ms = dff_time_monotonic_ms();
    dff_db_t         *db = dff_db_new(api->cfg, DFF_AUTO_BACKUP_DB_TIMEOUT_S);
    dff_backup_made_t made;
    dff_err_t         err;
    int               rc;

    rc = db == NULL ? dff_err_set(&err, DFF_E_SYS, "out of memory")
        : dff_backup_make(db, &made, &err);
    dff_db_free(db);
    if (rc != DFF_OK) {
        dff_log_error(&api->log, NULL, "there is no backup of the database for this time: %s",
                      err.message);
        return 1;
    }
    dff_log_info(&api->log, NULL, "the database is backed up: %s, %u tables, %" PRIu64 " rows, %"
                 PRIu64 " bytes, in %lld ms; %u older removed", made.path, made.tables, made.rows,
                 made.size_bytes, (long long) (dff_time_monotonic_ms() - begin_ms), made.removed);
    return 0;
}

/* --- the parent ---------------------------------------------------------------------- */

static void
dff_auto_backup_unlock(dff_auto_backup_t *backup)
{
    if (backup->locked)
        dff_lock_hold(backup->api, DFF_KEY_BACKUP_LOCK, backup->me, "0");
    backup->locked = false;
}

/* Whatever became of it, nobody makes it again. */
static void
dff_auto_backup_settle(dff_auto_backup_t *backup)
{
    backup->settled = backup->due;
    (void) dff_redis_link_commandf(backup->api->command, NULL, NULL, "SET " DFF_KEY_BACKUP " %lld"
                                   " EX " DFF_AUTO_BACKUP_KEPT_S, (long long) backup->due);
    dff_auto_backup_unlock(backup);
}

static void
dff_auto_backup_ended(void *ctx, int status)
{
    dff_auto_backup_t *backup = ctx;

    /* One that could say why has said it. */
    if (WIFSIGNALED(status)) {
        dff_log_error(&backup->api->log, NULL, "there is no backup of the database for this time:"
                      " signal %d ended who made it", WTERMSIG(status));
        dff_backup_sweep(backup->api->cfg);
    }
    dff_auto_backup_settle(backup);
}

static void
dff_auto_backup_start(dff_auto_backup_t *backup)
{
    dff_err_t err;

    if (dff_child_start(&backup->child, dff_auto_backup_child, &err) == DFF_OK)
        return;
    dff_log_error(&backup->api->log, NULL, "there is no backup of the database for this time: %s",
                  err.message);
    dff_auto_backup_settle(backup);
}

static void
dff_auto_backup_on_lock(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_auto_backup_t *backup = data;
    redisReply        *reply = reply_ptr;

    (void) ac;
    backup->locked = reply != NULL && reply->type == REDIS_REPLY_STATUS;
}

/* A minute that nobody can have asked for yet is of a clock that was wrong. */
static bool
dff_auto_backup_is_settled(const dff_auto_backup_t *backup, const redisReply *reply)
{
    int64_t minute = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;

    return minute >= backup->due && minute <= backup->due + DFF_AUTO_BACKUP_LATE_MIN;
}

/* This was asked behind the lock: who had the lock before has said what it made. */
static void
dff_auto_backup_on_settled(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_auto_backup_t *backup = data;
    redisReply        *reply = reply_ptr;

    (void) ac;
    backup->asking = false;
    if (reply == NULL) {        /* the lock ends by itself */
        backup->locked = false;
        return;
    }
    if (dff_auto_backup_is_settled(backup, reply))
        backup->settled = backup->due;
    else if (backup->locked && reply->type != REDIS_REPLY_ERROR && !backup->api->leaving) {
        dff_auto_backup_start(backup);
        return;
    }
    dff_auto_backup_unlock(backup);
}

static void
dff_auto_backup_ask(dff_auto_backup_t *backup)
{
    const char *argv[] = { "SET", DFF_KEY_BACKUP_LOCK, backup->me, "NX", "EX",
                           DFF_AUTO_BACKUP_LOCK_S };

    if (dff_redis_link_command(backup->api->command, dff_auto_backup_on_lock, backup, 6, argv,
                               NULL) == DFF_OK)
        backup->asking = dff_redis_link_commandf(backup->api->command, dff_auto_backup_on_settled,
                                                 backup, "GET " DFF_KEY_BACKUP) == DFF_OK;
}

void
dff_auto_backup_tick(dff_api_t *api)
{
    dff_auto_backup_t *backup = api->backup;
    int64_t            due;

    if (!backup->on || !dff_redis_link_ready(api->command))
        return;
    if (backup->child.pid > 0) {
        dff_lock_hold(api, DFF_KEY_BACKUP_LOCK, backup->me, DFF_AUTO_BACKUP_LOCK_S);
        return;
    }
    if (backup->asking || api->leaving)
        return;
    due = dff_crontab_last(&backup->crontab, &api->log.tz, dff_time_now_ms() / 60000,
                           DFF_AUTO_BACKUP_LATE_MIN);
    if (due < 0 || due == backup->settled)
        return;
    backup->due = due;
    dff_auto_backup_ask(backup);
}

dff_auto_backup_t *
dff_auto_backup_new(dff_api_t *api, dff_err_t *err)
{
    dff_auto_backup_t *backup = calloc(1, sizeof(*backup));

    if (backup == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    backup->api = api;
    backup->on = api->cfg->crontab_auto_backup_db[0] != '\0'
        && dff_crontab_parse(&backup->crontab, dff_str_from(api->cfg->crontab_auto_backup_db));
    if (dff_child_init(&backup->child, api, dff_auto_backup_ended, backup, err) == DFF_OK) {
        if (dff_id_make(&api->ids, backup->me, "api-") != 0)
            return backup;
        (void) dff_err_set(err, DFF_E_SYS, "the system has no random numbers");
    }
    dff_auto_backup_free(backup);
    return NULL;
}

void
dff_auto_backup_free(dff_auto_backup_t *backup)
{
    bool under_way;

    if (backup == NULL)
        return;
    under_way = backup->child.pid > 0;
    dff_child_release(&backup->child);
    if (under_way)
        dff_backup_sweep(backup->api->cfg);
    free(backup);
}
