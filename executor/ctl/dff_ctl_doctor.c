/*
 * dffctl doctor: looks at each thing that a call needs, in the order in which it needs
 * them, and says of what is wrong the cause and the cure.
 */
#include "ctl/dff_ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "dff_node.h"
#include "dff_redis_info.h"
#include "dff_time.h"
#include "ctl/dff_ctl_folders.h"
#include "store/dff_backup.h"
#include "store/dff_caller.h"
#include "store/dff_cluster.h"
#include "store/dff_migrate.h"

#include "dff_banned.h"

#define DFF_DOCTOR_DB_TIMEOUT_S  10
#define DFF_DOCTOR_HTTP_S        5
#define DFF_DOCTOR_FUNC_S        10
#define DFF_DOCTOR_BACKUP_S      (26 * 3600)    /* a backup is made each hour */
#define DFF_DOCTOR_DISK_MB       512
#define DFF_DOCTOR_SCRIPT        "doctor__test"

typedef enum { DFF_DOCTOR_GOOD, DFF_DOCTOR_WARN, DFF_DOCTOR_BAD } dff_doctor_grade_t;

typedef struct {
    dff_ctl_t  *ctl;
    const char *name;           /* of the check at hand */
    unsigned    bad, warnings;
    bool        redis, mysql;   /* answer: what needs them is looked at */
} dff_doctor_t;


/* One line, and the cure below it when there is one. */
static void
dff_doctor_say(dff_doctor_t *doctor, dff_doctor_grade_t grade, const char *cure,
    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
dff_doctor_say(dff_doctor_t *doctor, dff_doctor_grade_t grade, const char *cure,
    const char *format, ...)
{
    static const char *const words[] = {
        [DFF_DOCTOR_GOOD] = "ok", [DFF_DOCTOR_WARN] = "WARN", [DFF_DOCTOR_BAD] = "BAD"
    };
    char    text[1200];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);     /* cut is good enough */
    va_end(args);
    printf("%-5s %-10s ", words[grade], doctor->name);
    dff_ctl_print_text(stdout, text, strlen(text));
    if (grade != DFF_DOCTOR_GOOD && cure != NULL)
        printf("                 cure: %s\n", cure);
    doctor->bad += grade == DFF_DOCTOR_BAD;
    doctor->warnings += grade == DFF_DOCTOR_WARN;
}


static void
dff_doctor_failed(dff_doctor_t *doctor, const char *cure)
{
    dff_doctor_say(doctor, DFF_DOCTOR_BAD, cure, "%s", doctor->ctl->err.message);
}

/* --- what it is made of ---------------------------------------------------------------------- */

static void
dff_doctor_finding(void *ctx, dff_config_severity_t severity, const char *text)
{
    bool bad = severity == DFF_CONFIG_ERROR;

    dff_doctor_say(ctx, bad ? DFF_DOCTOR_BAD : DFF_DOCTOR_WARN, "edit the file, then `dffctl"
                   " config check`", "%s", text);
}


/* False: nothing else can be looked at. */
static bool
dff_doctor_config(dff_doctor_t *doctor)
{
    dff_ctl_t *ctl = doctor->ctl;

    doctor->name = "config";
    if (dff_config_load(&ctl->cfg, ctl->config_path, dff_doctor_finding, doctor, &ctl->err)
        != DFF_OK)
    {
        if (doctor->bad == 0)
            dff_doctor_failed(doctor, "name the file with --config, or install again");
        return false;
    }
    dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "%s", ctl->config_path);
    ctl->db = dff_db_new(&ctl->cfg, DFF_DOCTOR_DB_TIMEOUT_S);
    ctl->rcmd = dff_rcmd_new(&ctl->cfg);
    return ctl->db != NULL && ctl->rcmd != NULL;
}


/* Rights that an ACL, or a command that was renamed, may lack without refusing the log-in.
 * False: one was told of. */
static bool
dff_doctor_redis_rights(dff_doctor_t *doctor)
{
    static const struct {
        const char        *command, *without;
        dff_doctor_grade_t grade;
    } rows[] = {
        { "PUBLISH " DFF_KEY_PROBE " 1", "replies and changes come late", DFF_DOCTOR_BAD },
        { "RPOPLPUSH " DFF_KEY_PROBE " " DFF_KEY_PROBE, "no job runs", DFF_DOCTOR_BAD },
        { "EVAL return(1) 0", "what a restart leaves is not recovered", DFF_DOCTOR_BAD },
        { "CLIENT LIST", "nobody takes over the jobs of a node that has died", DFF_DOCTOR_WARN },
    };
    unsigned    before = doctor->bad + doctor->warnings;
    const char *why = doctor->ctl->err.message;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (dff_rcmd_do(doctor->ctl->rcmd, &doctor->ctl->err, rows[i].command) == DFF_OK)
            continue;
        if (strstr(why, "NOPERM") == NULL && strstr(why, "unknown command") == NULL)
            dff_doctor_failed(doctor, "REDIS_… has to lead to one that takes writes: no replica,"
                              " and not full; see its own log");
        else
            dff_doctor_say(doctor, rows[i].grade, "rights as of `ACL SETUSER … ~dff:* &dff:* +@all"
                           " -@dangerous +info +client`", "without %.*s %s: %s",
                           (int) strcspn(rows[i].command, " "), rows[i].command,
                           rows[i].without, why);
    }
    return before == doctor->bad + doctor->warnings;
}


static void
dff_doctor_redis(dff_doctor_t *doctor)
{
    dff_ctl_t  *ctl = doctor->ctl;
    redisReply *info = dff_rcmd_run(ctl->rcmd, &ctl->err, "INFO");

    doctor->redis = info != NULL;
    if (doctor->redis && info->type == REDIS_REPLY_STRING
        && dff_redis_info_evicts((dff_str_t) { info->str, (size_t) info->len }))
        dff_doctor_say(doctor, DFF_DOCTOR_BAD, "`maxmemory-policy noeviction` in its"
                       " configuration, and CONFIG SET", "it takes queues and running jobs away"
                       " when its memory is full");
    else if (doctor->redis && dff_doctor_redis_rights(doctor))
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "version %s",
                       dff_rcmd_server_version(ctl->rcmd));
    else if (!doctor->redis)
        dff_doctor_failed(doctor, "`dffctl start redis` where it is ours; else see REDIS_… of"
                          " the configuration");
    if (info != NULL)
        freeReplyObject(info);
}


static void
dff_doctor_mysql(dff_doctor_t *doctor)
{
    dff_ctl_t *ctl = doctor->ctl;

    doctor->mysql = dff_db_connect(ctl->db, &ctl->err) == DFF_OK;
    if (!doctor->mysql)
        dff_doctor_failed(doctor, "`dffctl start mysql` where it is ours; else see MYSQL_… of"
                          " the configuration");
    else if (dff_migrate_check_server(ctl->db, &ctl->err) != DFF_OK)
        dff_doctor_failed(doctor, "MySQL 5.7 or MariaDB 10.5 and later; the database has utf8mb4"
                          " and utf8mb4_unicode_ci");
    else
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "version %s, utf8mb4",
                       dff_db_server_version(ctl->db));
}


static void
dff_doctor_schema(dff_doctor_t *doctor)
{
    dff_ctl_t       *ctl = doctor->ctl;
    dff_migrations_t migrations;
    char             folder[PATH_MAX];

    dff_ctl_sql_folder(ctl, folder);
    if (dff_migrate_load(&migrations, folder, &ctl->err) != DFF_OK) {
        dff_doctor_failed(doctor, "install again");
        return;
    }
    if (dff_migrate_check(&migrations, ctl->db, &ctl->err) != DFF_OK)
        dff_doctor_failed(doctor, "`dffctl db migrate`");
    else
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "version %d", migrations.newest);
    dff_migrate_release(&migrations);
}


static void
dff_doctor_disk(dff_doctor_t *doctor)
{
    const char    *path = doctor->ctl->cfg.resource_root_path;
    struct statvfs info;
    uint64_t       free_mb;

    if (statvfs(path, &info) != 0) {
        dff_doctor_say(doctor, DFF_DOCTOR_BAD, "RESOURCE_ROOT_PATH must be a folder; the"
                       " executor makes it at its start", "%s: %s", path, strerror(errno));
        return;
    }
    free_mb = (uint64_t) info.f_bavail * info.f_frsize >> 20;
    dff_doctor_say(doctor, free_mb < DFF_DOCTOR_DISK_MB ? DFF_DOCTOR_WARN : DFF_DOCTOR_GOOD,
                   "make room: logs, backups (DB_AUTO_BACKUP_LIMIT), files of scripts",
                   "%" PRIu64 " MB are free at %s", free_mb, path);
}


static void
dff_doctor_folder(void *ctx, const char *what, const char *cure)
{
    dff_doctor_say(ctx, DFF_DOCTOR_BAD, cure, "%s", what);
}


static void
dff_doctor_folders(dff_doctor_t *doctor)
{
    unsigned before = doctor->bad;
    unsigned looked = dff_ctl_folders_check(&doctor->ctl->cfg, dff_doctor_folder, doctor);

    if (before == doctor->bad)
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "%u can be written by who must", looked);
}


static void
dff_doctor_backups(dff_doctor_t *doctor)
{
    dff_ctl_t    *ctl = doctor->ctl;
    dff_backups_t backups;
    int64_t       age_s;

    if (dff_backup_list(&ctl->cfg, &backups, &ctl->err) != DFF_OK) {
        dff_doctor_failed(doctor, "see DB_AUTO_BACKUP_PATH and who may read it");
        return;
    }
    age_s = backups.count == 0 ? 0 : dff_time_now_ms() / 1000 - backups.items[0].made_s;
    if (backups.count == 0)
        dff_doctor_say(doctor, DFF_DOCTOR_WARN, "`dffctl backup now`", "there are none in %s",
                       ctl->cfg.db_auto_backup_path);
    else
        dff_doctor_say(doctor, age_s > DFF_DOCTOR_BACKUP_S || backups.items[0].size_bytes == 0
                       ? DFF_DOCTOR_WARN : DFF_DOCTOR_GOOD, "`dffctl backup now`",
                       "%zu, the newest is %" PRId64 " minutes old", backups.count, age_s / 60);
    dff_backup_list_release(&backups);
}

/* --- what runs ------------------------------------------------------------------------------- */

static bool
dff_doctor_connects(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                fd;
    bool               good;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    good = fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
    if (fd >= 0)
        (void) close(fd);
    return good;
}


static void
dff_doctor_sockets(dff_doctor_t *doctor)
{
    static const char *const names[] = { "api.sock", "services.sock" };
    char                     path[PATH_MAX];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", doctor->ctl->cfg.run_path, names[i]);
        if (dff_doctor_connects(path))
            dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "%s", path);
        else
            dff_doctor_say(doctor, DFF_DOCTOR_BAD, "`dffctl restart executor`, then look at"
                           " `dffctl log tail`", "nobody listens at %s: %s", path,
                           strerror(errno));
    }
}


/* Nodes of the cluster; is this one among them? */
static void
dff_doctor_nodes(dff_doctor_t *doctor)
{
    dff_ctl_t    *ctl = doctor->ctl;
    dff_cluster_t nodes;
    char          me[DFF_NODE_NAME_MAX + 1] = "";
    bool          here = false;

    (void) dff_node_name(&ctl->cfg, me, NULL);
    if (dff_cluster_list(ctl->rcmd, &nodes, &ctl->err) != DFF_OK) {
        dff_doctor_failed(doctor, NULL);
        return;
    }
    for (size_t i = 0; i < nodes.count; i++) {
        const dff_cluster_node_t *node = &nodes.items[i];

        here = here || (node->heartbeat != NULL && strcmp(node->name, me) == 0);
        if (node->heartbeat != NULL)
            dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "%s is alive", node->name);
        else if (node->claimed + node->started > 0)
            dff_doctor_say(doctor, DFF_DOCTOR_WARN, "another node takes them over within 30 s;"
                           " start this one when it is the only one", "%s is gone with %" PRId64
                           " jobs", node->name, node->claimed + node->started);
    }
    if (!here)
        dff_doctor_say(doctor, DFF_DOCTOR_BAD, "`dffctl start executor`, then look at `dffctl log"
                       " tail`", "no executor of this node (%s) is alive", me);
    dff_cluster_release(&nodes);
}


static void
dff_doctor_queues(dff_doctor_t *doctor)
{
    dff_ctl_t *ctl = doctor->ctl;
    long long  lengths[DFF_QUEUE_COUNT], limit = ctl->cfg.worker_queue_limit, all = 0;
    unsigned   before = doctor->bad + doctor->warnings;

    if (dff_cluster_queue_lengths(ctl->rcmd, lengths, &ctl->err) != DFF_OK) {
        dff_doctor_failed(doctor, NULL);
        return;
    }
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        all += lengths[queue];
        if (dff_cluster_check_queue(ctl->rcmd, queue, &ctl->err) != DFF_OK)
            dff_doctor_failed(doctor, "see _WORKER_GROUPS of the nodes, and `dffctl status`");
        if (lengths[queue] > limit / 2)
            dff_doctor_say(doctor, DFF_DOCTOR_WARN, "more workers (_WORKER_CONCURRENCY), or drop"
                           " them: `dffctl queue clear N`", "%lld of %lld jobs wait in queue %d",
                           lengths[queue], limit, queue);
    }
    if (before == doctor->bad + doctor->warnings)
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "all %d are served, %lld jobs wait",
                       DFF_QUEUE_COUNT, all);
}


/* A function from the queue to a worker and back. It is run as a draft: nothing of it is
 * stored. */
static void
dff_doctor_function(dff_doctor_t *doctor)
{
    dff_ctl_t        *ctl = doctor->ctl;
    dff_caller_call_t call = { 0 };
    int64_t           begin_ms = dff_time_monotonic_ms();
    dff_job_t         job = {
        .kind = DFF_JOB_DRAFT, .func_id = DFF_STR(DFF_DOCTOR_SCRIPT ".add"),
        .origin = DFF_ORIGIN_DEBUG, .queue = 0, .timeout_s = DFF_DOCTOR_FUNC_S,
        .kwargs = DFF_STR("{\"scripts\":{\"" DFF_DOCTOR_SCRIPT "\":\"@DFF.API('Add')\\n"
                          "def add(x, y):\\n    return x + y\\n\"},"
                          "\"kwargs\":{\"x\":1,\"y\":2}}"),
    };

    if (dff_caller_run(ctl->rcmd, &ctl->cfg, &job, DFF_DOCTOR_FUNC_S, &call, &ctl->err) != DFF_OK)
        dff_doctor_failed(doctor, "look at `dffctl status` (are workers busy?) and `dffctl log"
                          " tail`");
    else if (call.reply.status != DFF_STATUS_SUCCESS) {
        (void) dff_caller_failed(&call.reply, &ctl->err);
        dff_doctor_failed(doctor, "look at `dffctl log tail`");
    } else {
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "was run by a worker in %" PRId64 " ms",
                       dff_time_monotonic_ms() - begin_ms);
    }
    dff_caller_release(&call);
}


/* The first line of the answer to a ping, as nginx of this node gives it. */
static int
dff_doctor_ping(const dff_config_t *cfg, char line[256])
{
    static const char  request[] = "GET /api/v1/do/ping HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct timeval     limit = { DFF_DOCTOR_HTTP_S, 0 };
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t) cfg->web_port)
    };
    ssize_t            n = -1;
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (inet_pton(AF_INET, cfg->web_bind, &address.sin_addr) != 1
        || address.sin_addr.s_addr == htonl(INADDR_ANY))
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return DFF_ERROR;
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0
        && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
        n = recv(fd, line, 255, 0);
    if (n >= 0) {
        line[n] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
    }
    (void) close(fd);
    return n > 0 ? DFF_OK : DFF_ERROR;
}


static void
dff_doctor_web(dff_doctor_t *doctor)
{
    const dff_config_t *cfg = &doctor->ctl->cfg;
    char                line[256];

    errno = 0;
    if (dff_doctor_ping(cfg, line) != DFF_OK)
        dff_doctor_say(doctor, DFF_DOCTOR_BAD, "`dffctl start nginx`; `nginx -t` tells what its"
                       " configuration lacks", "no answer at port %lld: %s",
                       (long long) cfg->web_port, errno == 0 ? "closed" : strerror(errno));
    else if (strstr(line, " 200") == NULL)
        dff_doctor_say(doctor, DFF_DOCTOR_BAD, "what is BAD above; `curl` the same tells the"
                       " reason", "GET /api/v1/do/ping: %s", line);
    else
        dff_doctor_say(doctor, DFF_DOCTOR_GOOD, NULL, "port %lld answers",
                       (long long) cfg->web_port);
}

/* --- all of it ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool        redis, mysql;       /* needs it */
    void      (*look)(dff_doctor_t *doctor);
} dff_doctor_checks[] = {
    { "Redis", false, false, dff_doctor_redis },
    { "MySQL", false, false, dff_doctor_mysql },
    { "schema", false, true, dff_doctor_schema },
    { "disk", false, false, dff_doctor_disk },
    { "folders", false, false, dff_doctor_folders },
    { "backups", false, false, dff_doctor_backups },
    { "nodes", true, false, dff_doctor_nodes },
    { "sockets", false, false, dff_doctor_sockets },
    { "queues", true, false, dff_doctor_queues },
    { "function", true, false, dff_doctor_function },
    { "web", false, false, dff_doctor_web },
};


int
dff_ctl_doctor(dff_ctl_t *ctl)
{
    dff_doctor_t doctor = { .ctl = ctl };

    if (dff_doctor_config(&doctor)) {
        for (size_t i = 0; i < sizeof(dff_doctor_checks) / sizeof(dff_doctor_checks[0]); i++) {
            doctor.name = dff_doctor_checks[i].name;
            if ((!dff_doctor_checks[i].redis || doctor.redis)
                && (!dff_doctor_checks[i].mysql || doctor.mysql))
                dff_doctor_checks[i].look(&doctor);
            else
                dff_doctor_say(&doctor, DFF_DOCTOR_WARN, NULL, "was not looked at");
        }
        dff_config_release(&ctl->cfg);
    }
    printf("%u wrong, %u warnings\n", doctor.bad, doctor.warnings);
    return doctor.bad == 0 ? DFF_CTL_OK : DFF_CTL_FAILED;
}
