/* An api process: its start, its loop, its end, and the tables of what it does. */
#include "api/dff_api.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_api_fd.h"
#include "dff_become.h"
#include "dff_time.h"

#include "api/dff_auto_backup.h"
#include "api/dff_records.h"
#include "api/dff_repair.h"
#include "api/dff_replies.h"
#include "api/dff_restore.h"
#include "api/dff_services.h"
#include "api/dff_sys_stats.h"
#include "api/http/dff_web.h"
#include "store/dff_backup.h"

#include "dff_banned.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

#define DFF_API_ACCEPTS_MAX  16      /* connections taken in one turn of the loop */

/* --- what it does ------------------------------------------------------------- */

static const dff_api_listener_t dff_api_listeners[] = {
    { DFF_API_FD_SCGI, dff_web_accept, dff_web_leave, dff_web_busy },
    { DFF_API_FD_SERVICES, dff_services_accept, dff_services_leave, dff_services_busy },
    { .fd = -1 },      /* the end */
};

static const dff_api_task_t dff_api_tasks[] = {
    { "replies", 1000, dff_replies_watch },
    { "records", DFF_RECORDS_EVERY_MS, dff_records_tick },
    { "services", 1000, dff_services_tick },
    { "restore", DFF_RESTORE_EVERY_MS, dff_restore_tick },
    { "repair", DFF_REPAIR_EVERY_MS, dff_repair_tick },
    { "backup", DFF_AUTO_BACKUP_EVERY_MS, dff_auto_backup_tick },
    { "statistics", DFF_SYS_STATS_TICK_MS, dff_sys_stats_tick },
};

_Static_assert(COUNT(dff_api_listeners) <= COUNT(((dff_api_t *) 0)->listeners),
               "a listener has its event");
_Static_assert(COUNT(dff_api_tasks) <= COUNT(((dff_api_t *) 0)->tasks), "a task has its event");

static void
dff_api_on_task(evutil_socket_t fd, short what, void *ctx)
{
    dff_api_t *api = ctx;
    size_t     i;

    (void) fd;
    (void) what;
    for (i = 0; i < COUNT(dff_api_tasks); i++) {
        if (event_base_get_running_event(api->base) == api->tasks[i])
            dff_api_tasks[i].run(api);
    }
}

static void
dff_api_on_connection(evutil_socket_t fd, short what, void *ctx)
{
    dff_api_t *api = ctx;
    size_t     i;
    int        taken, connection;

    (void) what;
    for (i = 0; i < COUNT(dff_api_listeners) && dff_api_listeners[i].fd != (int) fd; i++)
        ;
    /* Another api process may have been faster, so an empty queue is normal. */
    for (taken = 0; taken < DFF_API_ACCEPTS_MAX; taken++) {
        connection = accept4((int) fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection >= 0) {
            dff_api_listeners[i].accept(api, connection);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            dff_log_error(&api->log, NULL, "accept: %s", strerror(errno));
        return;
    }
}

/* --- the end --------------------------------------------------------------------- */

void
dff_api_leave(dff_api_t *api)
{
    size_t i;

    if (api->leaving)
        return;
    api->leaving = true;
    api->give_up_ms = dff_time_monotonic_ms() + DFF_API_LEAVING_MS;
    for (i = 0; dff_api_listeners[i].fd >= 0; i++) {
        if (api->listeners[i] != NULL)
            (void) event_del(api->listeners[i]);
        if (dff_api_listeners[i].leave != NULL)
            dff_api_listeners[i].leave(api);
    }
}

/* Is there nothing left to wait for? */
static bool
dff_api_left(dff_api_t *api)
{
    size_t i;

    if (!api->leaving)
        return false;
    if (dff_time_monotonic_ms() >= api->give_up_ms) {
        dff_log_warn(&api->log, NULL, "connections are cut: they did not end within %d s",
                     DFF_API_LEAVING_MS / 1000);
        return true;
    }
    for (i = 0; dff_api_listeners[i].fd >= 0; i++) {
        if (dff_api_listeners[i].busy != NULL && dff_api_listeners[i].busy(api))
            return false;
    }
    return true;
}

/* The master says nothing: this is its end, or its wish that we end. */
static void
dff_api_on_control(evutil_socket_t fd, short what, void *ctx)
{
    dff_api_t *api = ctx;
    char       byte;
    ssize_t    n = recv(fd, &byte, 1, 0);

    (void) what;
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    (void) event_del(api->control);
    dff_api_leave(api);
}

static void
dff_api_on_term(evutil_socket_t number, short what, void *ctx)
{
    (void) number;
    (void) what;
    dff_api_leave(ctx);
}

/* --- the start ------------------------------------------------------------------- */

/* The master has said the warnings already. */
static void
dff_api_report(void *ctx, dff_config_severity_t severity, const char *text)
{
    (void) ctx;
    if (severity == DFF_CONFIG_ERROR)
        (void) fprintf(stderr, "dff-executor --api: %s\n", text);
}

static int
dff_api_check_fd(int fd, int option, dff_err_t *err)
{
    int       value = 0;
    socklen_t len = sizeof(value);

    if (getsockopt(fd, SOL_SOCKET, option, &value, &len) != 0)
        return dff_err_set(err, DFF_E_SYS, "descriptor %d: %s; --api is for the master's use only",
                           fd, strerror(errno));
    if (option == SO_ACCEPTCONN && value == 0)
        return dff_err_set(err, DFF_E_SYS, "descriptor %d does not listen", fd);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || evutil_make_socket_nonblocking(fd) != 0)
        return dff_err_set(err, DFF_E_SYS, "descriptor %d: %s", fd, strerror(errno));
    return DFF_OK;
}

static int
dff_api_init_process(dff_api_t *api, dff_err_t *err)
{
    (void) signal(SIGPIPE, SIG_IGN);
    (void) umask(027);
    if (dff_api_check_fd(DFF_API_FD_SCGI, SO_ACCEPTCONN, err) != DFF_OK
        || dff_api_check_fd(DFF_API_FD_SERVICES, SO_ACCEPTCONN, err) != DFF_OK
        || dff_api_check_fd(DFF_API_FD_CONTROL, SO_TYPE, err) != DFF_OK
        || dff_node_name(api->cfg, api->node, err) != DFF_OK)
        return DFF_ERROR;
    api->was_root = geteuid() == 0;
    /* Later we may not; a backup says what is wrong with it. */
    if (api->was_root && api->cfg->crontab_auto_backup_db[0] != '\0')
        (void) dff_backup_folder(api->cfg, NULL);
    if (api->was_root && dff_become_user("_API_USER", api->cfg->api_user, err) != DFF_OK)
        return DFF_ERROR;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return dff_err_set(err, DFF_E_SYS, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
    return DFF_OK;
}

/* A Redis that cannot serve us is logged with each outage; we go on without it. */
static void
dff_api_redis_refused(void *ctx, const dff_err_t *err)
{
    (void) ctx;
    (void) err;
}

/* Connections wait in the socket until Redis is there, or until it is clear that it is not:
 * what is asked right after a reload is no reason for an error. */
static void
dff_api_listen(dff_api_t *api)
{
    size_t i;

    for (i = 0; !api->leaving && dff_api_listeners[i].fd >= 0; i++) {
        if (api->listeners[i] != NULL)
            (void) event_add(api->listeners[i], NULL);
    }
}

static void
dff_api_redis_ready(void *ctx)
{
    dff_api_listen(ctx);
}

static void
dff_api_on_patience(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    (void) what;
    dff_api_listen(ctx);
}

static int
dff_api_init_stores(dff_api_t *api, dff_err_t *err)
{
    dff_redis_link_conf_t command = { .name = "api-command", .ready = dff_api_redis_ready,
                                      .ctx = api };

    api->db = dff_db_new(api->cfg, DFF_API_DB_TIMEOUT_S);
    api->rcmd = dff_rcmd_new(api->cfg);
    if (api->db == NULL || api->rcmd == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    dff_db_set_patience(api->db, DFF_API_DB_CONNECT_S, DFF_API_RETRY_MS);
    dff_rcmd_set_patience(api->rcmd, DFF_API_RCMD_TIMEOUT_MS, DFF_API_RETRY_MS);

    api->redis = dff_redis_new(api->base, &api->log, api->cfg, dff_api_redis_refused, api, err);
    if (api->redis == NULL)
        return DFF_ERROR;
    api->command = dff_redis_link_new(api->redis, &command);
    api->replies = dff_replies_new(api);
    api->records = dff_records_new(api);
    if (api->command == NULL || api->replies == NULL || api->records == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    api->restore = dff_restore_new(api);
    if (api->restore == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    api->backup = dff_auto_backup_new(api, err);
    if (api->backup == NULL)
        return DFF_ERROR;
    api->web = dff_web_new(api, err);
    api->services = api->web == NULL ? NULL : dff_services_new(api, err);
    return api->services == NULL ? DFF_ERROR : DFF_OK;
}

static int
dff_api_add_event(struct event **event, const dff_api_t *api, int fd, short what,
    event_callback_fn fn, const struct timeval *every, dff_err_t *err)
{
    *event = event_new(api->base, fd, what | EV_PERSIST, fn, (void *) api);
    if (*event == NULL || event_add(*event, every) != 0)
        return dff_err_set(err, DFF_E_SYS, "libevent takes no event: %s", strerror(errno));
    return DFF_OK;
}

static int
dff_api_init_events(dff_api_t *api, dff_err_t *err)
{
    static const struct timeval patience = { 1, 0 };

    size_t i;

    if (dff_api_add_event(&api->term, api, SIGTERM, EV_SIGNAL, dff_api_on_term, NULL, err)
        != DFF_OK
        || dff_api_add_event(&api->intr, api, SIGINT, EV_SIGNAL, dff_api_on_term, NULL, err)
           != DFF_OK
        || dff_api_add_event(&api->control, api, DFF_API_FD_CONTROL, EV_READ, dff_api_on_control,
                             NULL, err) != DFF_OK)
        return DFF_ERROR;
    for (i = 0; i < COUNT(dff_api_tasks); i++) {
        struct timeval every = { dff_api_tasks[i].every_ms / 1000,
                                 dff_api_tasks[i].every_ms % 1000 * 1000 };

        if (dff_api_add_event(&api->tasks[i], api, -1, 0, dff_api_on_task, &every, err) != DFF_OK)
            return DFF_ERROR;
    }
    for (i = 0; dff_api_listeners[i].fd >= 0; i++) {
        api->listeners[i] = event_new(api->base, dff_api_listeners[i].fd, EV_READ | EV_PERSIST,
                                      dff_api_on_connection, api);
        if (api->listeners[i] == NULL)
            return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (event_base_once(api->base, -1, EV_TIMEOUT, dff_api_on_patience, api, &patience) != 0)
        return dff_err_set(err, DFF_E_SYS, "libevent takes no event: %s", strerror(errno));
    return DFF_OK;
}

static int
dff_api_init(dff_api_t *api, dff_err_t *err)
{
    const char           ready = DFF_API_READY;
    struct event_config *config;

    dff_id_source_init(&api->ids);
    if (dff_api_init_process(api, err) != DFF_OK)
        return DFF_ERROR;
    config = event_config_new();
    if (config != NULL) {
        (void) event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        api->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (api->base == NULL)
        return dff_err_set(err, DFF_E_SYS, "libevent has no base for us: %s", strerror(errno));
    if (dff_api_init_stores(api, err) != DFF_OK || dff_api_init_events(api, err) != DFF_OK)
        return DFF_ERROR;
    /* Should nobody take it, the master is gone or needs this process no more (it was asked
     * for another log meanwhile): the control event says so next, and we leave. */
    (void) send(DFF_API_FD_CONTROL, &ready, 1, MSG_NOSIGNAL);
    return DFF_OK;
}

static void
dff_api_free_event(struct event **event)
{
    if (*event != NULL)
        event_free(*event);
    *event = NULL;
}

/* The links first: their callbacks run once more, and find everything in its place. */
static void
dff_api_release(dff_api_t *api)
{
    size_t i;

    dff_records_free(api->records);
    if (api->redis != NULL)
        dff_redis_end(api->redis);
    dff_redis_link_free(api->command);
    dff_web_free(api->web);
    dff_replies_free(api->replies);
    dff_services_free(api->services);
    dff_restore_free(api->restore);
    dff_auto_backup_free(api->backup);
    if (api->redis != NULL)
        dff_redis_free(api->redis);
    dff_rcmd_free(api->rcmd);
    dff_db_free(api->db);

    for (i = 0; i < COUNT(api->tasks); i++)
        dff_api_free_event(&api->tasks[i]);
    for (i = 0; i < COUNT(api->listeners); i++)
        dff_api_free_event(&api->listeners[i]);
    dff_api_free_event(&api->control);
    dff_api_free_event(&api->term);
    dff_api_free_event(&api->intr);
    if (api->base != NULL)
        event_base_free(api->base);
    dff_log_close(&api->log);
    dff_config_release(api->cfg);
    free(api->cfg);
    free(api);
}

static void
dff_api_loop(dff_api_t *api)
{
    while (!dff_api_left(api)) {
        if (event_base_loop(api->base, EVLOOP_ONCE) < 0) {
            dff_log_error(&api->log, NULL, "the event loop failed: %s", strerror(errno));
            api->exit_status = 1;
            return;
        }
        dff_redis_flush(api->redis);
    }
}

int
dff_api_main(const char *config_path)
{
    dff_api_t *api = calloc(1, sizeof(*api));
    dff_err_t  err;
    int        status;

    if (api == NULL)
        return 1;
    api->log.fd = -1;
    api->cfg = calloc(1, sizeof(*api->cfg));
    if (api->cfg == NULL
        || dff_config_load(api->cfg, config_path, dff_api_report, NULL, &err) != DFF_OK) {
        free(api->cfg);
        free(api);
        return 1;      /* what is wrong was said */
    }

    if (dff_log_open(&api->log, api->cfg, "executor/api", &err) != DFF_OK
        || dff_api_init(api, &err) != DFF_OK) {
        dff_log_error(&api->log, NULL, "the api process cannot start: %s", err.message);
        api->exit_status = 1;
    } else {
        dff_log_info(&api->log, NULL, "serves");
        dff_api_loop(api);
        dff_log_info(&api->log, NULL, "ended");
    }
    status = api->exit_status;
    dff_api_release(api);
    return status;
}
