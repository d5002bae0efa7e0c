/* The master process: its context, its start and end, its loop. */
#include "dff_master.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_id.h"
#include "dff_time.h"
#include "dff_version.h"

#include "master/dff_api_proc.h"
#include "master/dff_changes.h"
#include "master/dff_claim.h"
#include "master/dff_clean.h"
#include "master/dff_daemon.h"
#include "master/dff_delayed.h"
#include "master/dff_elastic.h"
#include "master/dff_fence.h"
#include "master/dff_heartbeat.h"
#include "master/dff_life.h"
#include "master/dff_lock.h"
#include "master/dff_node_claim.h"
#include "master/dff_node_watch.h"
#include "master/dff_outbox.h"
#include "master/dff_pool.h"
#include "master/dff_published.h"
#include "master/dff_recent.h"
#include "master/dff_recovery.h"
#include "master/dff_reload.h"
#include "master/dff_runs.h"
#include "master/dff_sweep.h"
#include "master/dff_task_record.h"
#include "master/dff_turn.h"
#include "master/dff_zygote_proc.h"

#include "dff_banned.h"

/* --- signals -------------------------------------------------------------- */

static void
dff_master_on_term(evutil_socket_t number, short what, void *ctx)
{
    dff_master_t *master = ctx;

    (void) what;
    if (master->state < DFF_MASTER_DRAINING) {
        dff_log_warn(&master->log, NULL, "signal %d: no more jobs; the running ones may end",
                     (int) number);
        dff_master_drain(master);
        return;
    }
    if (master->hurry)
        return;
    dff_log_warn(&master->log, NULL, "signal %d again: workers are killed", (int) number);
    master->hurry = true;
    dff_pool_stop(master->pool, true);
    dff_runs_hurry(master);
}

static void
dff_master_std_to_log(dff_master_t *master)
{
    if (!master->options.daemon || master->log.fd < 0)
        return;
    /* What Python or the C library say on stderr ends in the log file. */
    if (dup2(master->log.fd, STDOUT_FILENO) < 0 || dup2(master->log.fd, STDERR_FILENO) < 0)
        dff_log_warn(&master->log, NULL, "dup2: %s", strerror(errno));
}

static void
dff_master_on_hup(evutil_socket_t number, short what, void *ctx)
{
    dff_master_t *master = ctx;

    (void) number;
    (void) what;
    if (master->state >= DFF_MASTER_DRAINING || dff_reload(master) != DFF_OK)
        return;
    dff_master_std_to_log(master);
    dff_zygote_proc_restart(master);
    dff_api_procs_restart(master->api);
    dff_redis_look_up(master->redis);       /* as those do */
    dff_clean_soon(master->clean);
    dff_pool_recycle(master->pool);
}

static void
dff_master_on_usr1(evutil_socket_t number, short what, void *ctx)
{
    dff_master_t *master = ctx;

    (void) number;
    (void) what;
    dff_log_reopen(&master->log);
    dff_master_std_to_log(master);
    /* The user of api processes may not open the file. */
    dff_api_procs_restart(master->api);
}

/* Zygote, api processes, and, as we are the subreaper, workers whose zygote has died. */
static void
dff_master_on_chld(evutil_socket_t number, short what, void *ctx)
{
    dff_master_t *master = ctx;
    struct rusage usage;
    int           status;
    pid_t         pid;

    (void) number;
    (void) what;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (!dff_zygote_proc_exited(master, pid, status)
            && !dff_api_procs_exited(master->api, pid, status)
            && !dff_clean_exited(master->clean, pid, status))
            dff_pool_child_exit(master->pool, pid, status, (uint64_t) usage.ru_maxrss);
    }
}

static const struct {
    int                 number;
    event_callback_fn   handle;
} dff_master_signals[] = {
    { SIGTERM, dff_master_on_term },
    { SIGINT,  dff_master_on_term },
    { SIGHUP,  dff_master_on_hup },
    { SIGUSR1, dff_master_on_usr1 },
    { SIGCHLD, dff_master_on_chld },
};

/* --- Redis comes and goes ------------------------------------------------- */

static void
dff_master_refused(void *ctx, const dff_err_t *err)
{
    dff_master_t *master = ctx;

    /* Later on the same is a failover to the wrong server: wait, it is logged. */
    if (master->state == DFF_MASTER_CONNECTING)
        dff_master_fail(master, "Redis cannot be used: %s", err->message);
}

static void
dff_master_redis_ready(void *ctx)
{
    dff_master_t *master = ctx;

    if (dff_redis_link_evicts(master->command))
        dff_log_warn(&master->log, NULL, "Redis takes queues and running jobs away when its memory "
                     "is full: its maxmemory-policy has to be noeviction");
    dff_life_ready(master);
    dff_lua_load(master->command);
    dff_node_watch_reset(master->node_watch);
    if (master->state == DFF_MASTER_CONNECTING)
        dff_master_move(master, DFF_MASTER_RECOVERING);
    if (master->state == DFF_MASTER_RECOVERING) {
        dff_recovery_own(master->recovery);
        return;
    }

    dff_heartbeat_now(master->heartbeat);
    dff_runs_ask_again(master);
    dff_outbox_send_again(master->outbox);
    dff_published_ask_again(master->published);
    if (master->state == DFF_MASTER_DRAINING) {
        master->refused = false;
        dff_master_give_back(master);
    }
}

static void
dff_master_redis_lost(void *ctx)
{
    dff_master_t *master = ctx;

    dff_runs_careful(master);
    dff_outbox_all_careful(master->outbox);
    dff_claim_distrust(master->claim);
    dff_sweep_soon(master->sweep);
}

void
dff_master_recovered(dff_master_t *master)
{
    if (master->state != DFF_MASTER_RECOVERING)
        return;
    dff_master_move(master, DFF_MASTER_SERVING);
    master->served = true;
    dff_heartbeat_now(master->heartbeat);
    dff_claim_begin(master->claim);
    dff_log_warn(&master->log, NULL, "node %s serves (version %s, pid %d, %d groups of %lld "
                 "workers)", master->node, DFF_VERSION, (int) getpid(), master->pool->ngroups,
                 (long long) master->cfg->worker_concurrency);
}

/* --- the loop ------------------------------------------------------------- */

static void
dff_master_on_tick(evutil_socket_t fd, short what, void *ctx)
{
    dff_master_t *master = ctx;

    (void) fd;
    (void) what;
    dff_recovery_tick(master->recovery);
    if (master->state >= DFF_MASTER_SERVING)
        dff_heartbeat_tick(master->heartbeat);
    dff_claim_watch(master->claim);
    dff_node_claim_tick(master->node_claim);
    dff_changes_watch(master->changes);
    dff_node_watch_tick(master->node_watch);
    dff_sweep_tick(master->sweep);
    dff_runs_ask_again(master);
    dff_outbox_send_again(master->outbox);
    dff_task_record_tick(master);
    dff_published_ask_again(master->published);
    dff_recent_expire(master->recent, DFF_RECENT_MAX_MS);
    dff_recent_expire(master->quiet, DFF_RECENT_MAX_MS);
    dff_recent_expire(master->former, DFF_LIFE_DOUBT_MS);
    dff_elastic_tick(master->elastic);
    dff_zygote_proc_tidy(master);
    dff_api_procs_tick(master->api);
    dff_clean_tick(master->clean);
    dff_master_tick_end(master);
}

static void
dff_master_loop(dff_master_t *master)
{
    while (master->state != DFF_MASTER_ENDED) {
        if (event_base_loop(master->base, EVLOOP_ONCE) < 0) {
            dff_log_error(&master->log, NULL, "the event loop failed: %s", strerror(errno));
            master->exit_status = 1;
            return;
        }
        dff_pool_settle(master->pool);
        dff_claim_settle(master->claim);
        dff_node_claim_settle(master->node_claim);
        dff_master_settle_end(master);
        dff_turn_settle(master->turn);
        dff_redis_flush(master->redis);
    }
}

/* --- start ---------------------------------------------------------------- */

static int
dff_master_init_names(dff_master_t *master, dff_err_t *err)
{
    dff_str_t node;
    char      exe[PATH_MAX];
    ssize_t   n;
    char     *slash;

    if (dff_node_name(master->cfg, master->node, err) != DFF_OK)
        return DFF_ERROR;
    node = dff_master_node(master);
    master->key_claimed_len = dff_key_claimed(master->key_claimed, node);
    master->key_started_len = dff_key_started(master->key_started, node);
    master->key_node_len = dff_key_node(master->key_node, node);
    dff_fence_client_name(master->client, sizeof(master->client), node);

    /* Now: after an update in place the link says "(deleted)". */
    n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return dff_err_set(err, DFF_E_SYS, "readlink /proc/self/exe: %s", strerror(errno));
    exe[n] = '\0';
    slash = strrchr(exe, '/');
    if (slash != NULL)
        *slash = '\0';
    if ((size_t) snprintf(master->exe_folder, sizeof(master->exe_folder), "%s", exe)
        >= sizeof(master->exe_folder))
        return dff_err_set(err, DFF_E_SYS, "the path of the executable is too long");
    return DFF_OK;
}

static int
dff_master_init_base(dff_master_t *master, dff_err_t *err)
{
    struct event_config *config = event_config_new();
    struct timeval       second = { 1, 0 };
    size_t               i;

    if (config != NULL) {
        (void) event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        master->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (master->base == NULL)
        return dff_err_set(err, DFF_E_SYS, "libevent has no base for us: %s", strerror(errno));

    for (i = 0; i < sizeof(dff_master_signals) / sizeof(dff_master_signals[0]); i++) {
        master->signals[i] = evsignal_new(master->base, dff_master_signals[i].number,
                                          dff_master_signals[i].handle, master);
        if (master->signals[i] == NULL || event_add(master->signals[i], NULL) != 0)
            return dff_err_set(err, DFF_E_SYS, "signal %d cannot be handled",
                               dff_master_signals[i].number);
    }
    master->tick = event_new(master->base, -1, EV_PERSIST, dff_master_on_tick, master);
    if (master->tick == NULL || event_add(master->tick, &second) != 0)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    return DFF_OK;
}

static int
dff_master_init_parts(dff_master_t *master, dff_err_t *err)
{
    dff_redis_link_conf_t command = {
        .name = "command", .client = master->client, .ready = dff_master_redis_ready,
        .lost = dff_master_redis_lost, .ctx = master,
    };

    master->pool = dff_pool_new(master, err);
    if (master->pool == NULL)
        return DFF_ERROR;
    master->redis = dff_redis_new(master->base, &master->log, master->cfg, dff_master_refused,
                                  master, err);
    if (master->redis == NULL)
        return DFF_ERROR;
    if (dff_lua_init(&master->lua, err) != DFF_OK)
        return DFF_ERROR;
    master->api = dff_api_procs_new(master, err);
    if (master->api == NULL)
        return DFF_ERROR;

    master->published = dff_published_new(master);
    master->outbox = dff_outbox_new(master);
    master->turn = dff_turn_new(master);
    master->recent = dff_recent_new(master, DFF_RECENT_MAX_BYTES);
    master->quiet = dff_recent_new(master, DFF_RECENT_QUIET_BYTES);
    master->former = dff_recent_new(master, DFF_RECENT_MAX_BYTES + DFF_RECENT_QUIET_BYTES);
    master->recovery = dff_recovery_new(master);
    master->node_watch = dff_node_watch_new(master);
    master->sweep = dff_sweep_new(master);
    master->delayed = dff_delayed_new(master);
    master->elastic = dff_elastic_new(master);
    master->heartbeat = dff_heartbeat_new(master);
    master->claim = dff_claim_new(master);
    master->node_claim = dff_node_claim_new(master);
    master->clean = dff_clean_new(master);
    master->zygote = dff_zygote_proc_new(master);
    master->changes = dff_changes_new(master);
    master->command = dff_redis_link_new(master->redis, &command);
    if (master->published == NULL || master->outbox == NULL || master->turn == NULL
        || master->recent == NULL || master->quiet == NULL || master->former == NULL
        || master->recovery == NULL || master->node_watch == NULL || master->sweep == NULL
        || master->delayed == NULL || master->elastic == NULL || master->heartbeat == NULL
        || master->claim == NULL
        || master->node_claim == NULL || master->clean == NULL || master->zygote == NULL
        || master->changes == NULL || master->command == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    return DFF_OK;
}

/* Links first: their callbacks run once more, and find everything in its place. */
static void
dff_master_release(dff_master_t *master)
{
    size_t i;

    if (master->redis != NULL)
        dff_redis_end(master->redis);
    dff_claim_free(master->claim);
    dff_changes_free(master->changes);
    dff_redis_link_free(master->command);
    master->command = NULL;
    dff_runs_release(master);
    if (master->zygote != NULL)
        dff_zygote_proc_stop(master->zygote);
    dff_api_procs_free(master->api);
    dff_pool_free(master->pool);
    dff_zygote_proc_free(master->zygote);
    dff_published_free(master->published);
    dff_turn_free(master->turn);
    dff_outbox_free(master->outbox);
    dff_recent_free(master->recent);
    dff_recent_free(master->quiet);
    dff_recent_free(master->former);
    dff_recovery_free(master->recovery);
    dff_node_watch_free(master->node_watch);
    dff_sweep_free(master->sweep);
    dff_delayed_free(master->delayed);
    dff_elastic_free(master->elastic);
    dff_heartbeat_free(master->heartbeat);
    dff_node_claim_free(master->node_claim);
    dff_clean_free(master->clean);
    dff_redis_free(master->redis);

    for (i = 0; i < sizeof(master->signals) / sizeof(master->signals[0]); i++) {
        if (master->signals[i] != NULL)
            event_free(master->signals[i]);
    }
    if (master->tick != NULL)
        event_free(master->tick);
    if (master->base != NULL)
        event_base_free(master->base);
    dff_master_wait_children(master);
    dff_lock_drop(&master->lock_fd);
    dff_log_close(&master->log);
    if (master->cfg != NULL)
        dff_config_release(master->cfg);
    free(master->cfg);
    free(master);
}

int
dff_master_check(const dff_master_options_t *options)
{
    dff_err_t     err;
    unsigned      masks[10];
    dff_config_t *cfg = dff_reload_config(options, NULL, &err);
    int           rc = DFF_ERROR;

    /* The findings have been said one by one. */
    if (cfg == NULL)
        return 1;
    if (dff_pool_groups(cfg, options->groups, masks, &err) < 0)
        (void) fprintf(stderr, "dff-executor: %s\n", err.message);
    else
        rc = DFF_OK;
    dff_config_release(cfg);
    free(cfg);
    return rc == DFF_OK ? 0 : 1;
}

int
dff_master_run(const dff_master_options_t *options)
{
    dff_master_t *master = calloc(1, sizeof(*master));
    dff_err_t     err = { .reason = DFF_REASON_NONE };
    int           tell = -1, status = 1;

    if (master == NULL)
        return 1;
    master->options = *options;
    master->lock_fd = master->log.fd = -1;
    master->log.to_stderr = true;
    master->log.level = DFF_LOG_WARNING;
    TAILQ_INIT(&master->runs);
    master->started_at_ms = dff_time_now_ms();

    master->cfg = dff_reload_config(options, NULL, &err);
    if (master->cfg == NULL)
        goto done;             /* said already */
    if (dff_log_open(&master->log, master->cfg, "executor/master", &err) != DFF_OK)
        goto failed;
    master->log.to_stderr = !options->daemon;
    if (options->daemon && dff_daemon_begin(&tell, &err) != DFF_OK)
        goto failed;
    if (dff_lock_take(master->cfg->run_path, &master->lock_fd, &err) != DFF_OK)
        goto failed;

    (void) signal(SIGPIPE, SIG_IGN);
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (dff_master_init_names(master, &err) != DFF_OK
        || dff_master_init_base(master, &err) != DFF_OK
        || dff_master_init_parts(master, &err) != DFF_OK)
        goto failed;
    if (tell >= 0) {
        dff_master_std_to_log(master);
        if (!dff_daemon_stands(&tell))
            dff_log_warn(&master->log, NULL, "the starting process is gone");
    }

    dff_zygote_proc_start(master->zygote);
    dff_api_procs_start(master->api);
    dff_master_loop(master);
    status = master->exit_status;
    dff_log_warn(&master->log, NULL, "node %s ended with status %d", master->node, status);
    goto done;

failed:
    dff_log_error(&master->log, NULL, "the executor cannot start: %s", err.message);
    if (!master->log.to_stderr)
        (void) fprintf(stderr, "dff-executor: cannot start: %s\n", err.message);

done:
    if (tell >= 0)
        (void) close(tell);
    dff_master_release(master);
    return status;
}
