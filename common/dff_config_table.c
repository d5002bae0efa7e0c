/*
 * Every setting, one row each: reading, checking, showing and the reference in
 * docs/configuration.md come from here.
 */
#include "dff_config_table.h"

#include "dff_envelope.h"

#include "dff_banned.h"

static const char *const dff_log_levels[] = {
    [DFF_LOG_NONE] = "NONE", [DFF_LOG_ERROR] = "ERROR", [DFF_LOG_WARNING] = "WARNING",
    [DFF_LOG_INFO] = "INFO", [DFF_LOG_DEBUG] = "DEBUG", [DFF_LOG_ALL] = "ALL", NULL
};

static const char *const dff_log_formats[] = { "text", "json", NULL };

#define RUN  DFF_SETTING_RUNTIME
#define HID  DFF_SETTING_SECRET

#define DFF_AT(field)  offsetof(dff_config_t, field)
#define TEXT(key, field, fallback, flags, check, about) \
    { key, fallback, about, DFF_SETTING_TEXT, DFF_AT(field), 0, 0, NULL, check, flags }
#define FOLDER(key, field, fallback, flags, about) \
    { key, fallback, about, DFF_SETTING_PATH, DFF_AT(field), 0, 0, NULL, NULL, flags }
#define LIST(key, type, field, fallback, flags, check, about) \
    { key, fallback, about, type, DFF_AT(field), 0, 0, NULL, check, flags }
#define INT(key, field, fallback, min, max, flags, about) \
    { key, fallback, about, DFF_SETTING_INT, DFF_AT(field), min, max, NULL, NULL, flags }
#define SIZE(key, field, fallback, min, max, flags, about) \
    { key, fallback, about, DFF_SETTING_SIZE, DFF_AT(field), min, max, NULL, NULL, flags }
#define BOOL(key, field, fallback, flags, about) \
    { key, fallback, about, DFF_SETTING_BOOL, DFF_AT(field), 0, 1, NULL, NULL, flags }
#define NAMED(key, type, field, fallback, names, flags, about) \
    { key, fallback, about, type, DFF_AT(field), 0, 0, names, NULL, flags }

#define DFF_KIB       INT64_C(1024)
#define DFF_MIB       (1024 * DFF_KIB)
#define DFF_GIB       (1024 * DFF_MIB)
#define DFF_MONTH_S   (31 * 86400)

static const dff_setting_t dff_general_rows[] = {
    TEXT("SECRET", secret, "", HID | RUN, dff_check_secret,
        "Key of tokens and of stored secrets; the same on all nodes. Made at install"),
    NAMED("LOG_LEVEL", DFF_SETTING_CHOICE, log_level, "WARNING", dff_log_levels, RUN,
        "What is logged: this level and the graver ones"),
    FOLDER("LOG_FILE_PATH", log_file_path, "logs/dataflux-func.log", RUN, "Log of all processes"),
    NAMED("LOG_FILE_FORMAT", DFF_SETTING_FORMAT, log_json, "text", dff_log_formats, RUN,
        "Lines for people, or a JSON object for each"),
    TEXT("TIMEZONE", timezone, "Asia/Shanghai", RUN, dff_check_timezone,
        "Of crontab, the log and backup names"),
};

static const dff_setting_t dff_web_rows[] = {
    TEXT("WEB_BIND", web_bind, "0.0.0.0", 0, dff_check_address, "Address that nginx listens on"),
    INT("WEB_PORT", web_port, "8088", 1, 65535, 0, "Port that nginx listens on"),
    TEXT("WEB_BASE_URL", web_base_url, "", RUN, dff_check_url,
        "What callers see in front of `/api`: told to clients of the management API, no more"),
    LIST("WEB_CORS_ORIGIN", DFF_SETTING_LIST, web_cors_origin, "true", RUN, NULL,
        "`true`: any origin; `false`: none; or a list of origins and `regexp:` patterns"),
    BOOL("WEB_CORS_CREDENTIALS", web_cors_credentials, "true", RUN,
        "Whether a browser may send cookies along"),
    LIST("WEB_TRUSTED_PROXIES", DFF_SETTING_LIST, web_trusted_proxies, "", RUN,
        dff_check_networks, "Networks (CIDR) whose forwarded-for is believed"),
    SIZE("_WEB_BODY_SIZE_LIMIT", web_body_size_limit, "32M", DFF_KIB, 128 * DFF_MIB, RUN,
        "Body of a request that is no upload"),
    SIZE("_UPLOAD_FILE_SIZE_LIMIT", upload_file_size_limit, "1G", DFF_KIB, 1024 * DFF_GIB, RUN,
        "Body of an upload"),
    INT("_UPLOAD_FILE_EXPIRES", upload_file_expires_s, "3600", 60, DFF_MONTH_S, RUN,
        "Seconds until an uploaded file is removed"),
    INT("_HTTP_AUTH_NONCE_MAX_AGE", http_auth_nonce_max_age_s, "300", 10, 86400, RUN,
        "Seconds that a nonce of HTTP Digest is good for"),
};

static const dff_setting_t dff_mysql_rows[] = {
    TEXT("MYSQL_HOST", mysql_host, "127.0.0.1", RUN, dff_check_not_empty, "Server"),
    INT("MYSQL_PORT", mysql_port, "3306", 1, 65535, RUN, "Its port"),
    FOLDER("MYSQL_SOCKET", mysql_socket, "", RUN, "Unix socket; wins over host and port when set"),
    TEXT("MYSQL_USER", mysql_user, "dataflux_func", RUN, dff_check_not_empty, "User"),
    TEXT("MYSQL_PASSWORD", mysql_password, "", HID | RUN, NULL, "Its password"),
    TEXT("MYSQL_DATABASE", mysql_database, "dataflux_func", RUN, dff_check_not_empty,
        "Database: utf8mb4, utf8mb4_unicode_ci"),
};

static const dff_setting_t dff_redis_rows[] = {
    TEXT("REDIS_HOST", redis_host, "127.0.0.1", 0, dff_check_not_empty,
        "Server: 4.0 or later, not a cluster"),
    INT("REDIS_PORT", redis_port, "6379", 1, 65535, 0, "Its port"),
    FOLDER("REDIS_SOCKET", redis_socket, "", 0, "Unix socket; wins over host and port when set"),
    INT("REDIS_DATABASE", redis_database, "5", 0, 65535, 0, "Number of the database"),
    TEXT("REDIS_USER", redis_user, "", 0, NULL, "User (Redis 6 and later); empty: the default one"),
    TEXT("REDIS_PASSWORD", redis_password, "", HID, NULL, "Password; empty: none"),
    BOOL("REDIS_USE_TLS", redis_use_tls, "false", 0, "Whether the connection is encrypted"),
};

static const dff_setting_t dff_data_rows[] = {
    FOLDER("RESOURCE_ROOT_PATH", resource_root_path, "resources", RUN, "Files for scripts"),
    BOOL("RESOURCE_ROOT_SHARED", resource_root_shared, "false", RUN,
        "`true` where all nodes see the same folder (NFS)"),
    INT("DB_AUTO_BACKUP_LIMIT", db_auto_backup_limit, "168", 1, 100000, RUN,
        "Number of backups that are kept"),
    FOLDER("DB_AUTO_BACKUP_PATH", db_auto_backup_path, "sqldump/", RUN,
        "Folder of the backups, which belongs to `_API_USER`"),
    TEXT("AUTO_SETUP_ADMIN_USERNAME", auto_setup_admin_username, "admin", 0, dff_check_not_empty,
        "First user, made at the first start on an empty database"),
    TEXT("AUTO_SETUP_ADMIN_PASSWORD", auto_setup_admin_password, "", HID, NULL,
        "Its password; empty: a random one, printed once"),
    TEXT("_CRONTAB_AUTO_BACKUP_DB", crontab_auto_backup_db, "0 * * * *", RUN, dff_check_crontab,
        "When the database is backed up, a crontab in `TIMEZONE`; empty: never. One node of the "
        "cluster makes each, into its own folder"),
    TEXT("_CRONTAB_AUTO_CLEAN", crontab_auto_clean, "*/15 * * * *", RUN, dff_check_crontab,
        "When what has expired is removed; empty: never"),
};

static const dff_setting_t dff_worker_rows[] = {
    LIST("WORKER_QUEUE_ALIAS_MAP", DFF_SETTING_MAP, worker_queue_alias_map, "cpu=9", RUN,
        dff_check_aliases, "Names for queues in `DFF.API(queue=…)`: `name=queue` items"),
    TEXT("_WORKER_GROUPS", worker_groups, "0;1-6;7;8-9", 0, dff_check_groups,
        "Queues of each group of workers; `0-9` is one group for all"),
    INT("_WORKER_CONCURRENCY", worker_concurrency, "5", 1, 1024, 0, "Workers of a group"),
    INT("_WORKER_MAX_CONCURRENCY", worker_max_concurrency, "0", 0, 4096, 0,
        "Workers of a group when all are busy; 0: `_WORKER_CONCURRENCY` and four times as many "
        "extra ones"),
    INT("_WORKER_MAX_MEMORY", worker_max_memory_mb, "0", 0, 16777216, RUN,
        "MB that all workers of a node may hold before there are no more extra ones; 0: extra ones "
        "while a tenth of the machine's memory is available"),
    INT("_WORKER_PREFETCH_MULTIPLIER", worker_prefetch_multiplier, "10", 1, 1000, 0,
        "Jobs claimed ahead for each worker; 1 for slow jobs"),
    INT("_WORKER_MAX_TASKS_PER_CHILD", worker_max_tasks_per_child, "3000", 1, 100000000, RUN,
        "Calls after which a worker is replaced"),
    INT("_WORKER_MAX_RSS", worker_max_rss_mb, "512", 32, 1048576, RUN,
        "MB of memory above which a worker is replaced"),
    INT("_WORKER_QUEUE_LIMIT", worker_queue_limit, "100000", 1, 100000000, RUN,
        "Jobs that may wait in a queue; more are answered with 599.5"),
    INT("_WORKER_RESULT_EXPIRES", worker_result_expires_s, "3600", 1, DFF_MONTH_S, RUN,
        "Seconds that `func-result` keeps a result"),
    TEXT("_WORKER_USER", worker_user, "dff-worker", 0, dff_check_user,
        "User that scripts run as, when the executor is started by root"),
    INT("_API_PROCESSES", api_processes, "2", 1, 64, RUN,
        "Processes that answer the management API and what scripts ask of STORE, CACHE, ENV, "
        "SRC and FUNC"),
    TEXT("_API_USER", api_user, "dff-api", RUN, dff_check_user,
        "User that these run as, when the executor is started by root"),
};

static const dff_setting_t dff_func_rows[] = {
    INT("_FUNC_TASK_DEFAULT_TIMEOUT", func_default_timeout_s, "30", 1, DFF_TIMEOUT_MAX_S, RUN,
        "Seconds that a function may run when it names no `timeout`"),
    INT("_FUNC_TASK_MIN_TIMEOUT", func_min_timeout_s, "1", 1, DFF_TIMEOUT_MAX_S, RUN,
        "Least `timeout`"),
    INT("_FUNC_TASK_MAX_TIMEOUT", func_max_timeout_s, "3600", 1, DFF_TIMEOUT_MAX_S, RUN,
        "Greatest `timeout`"),
    INT("_FUNC_TASK_DEFAULT_API_TIMEOUT", func_default_api_timeout_s, "10", 1, DFF_TIMEOUT_MAX_S,
        RUN, "Seconds that a caller waits when the function names no `api_timeout`"),
    INT("_FUNC_TASK_MIN_API_TIMEOUT", func_min_api_timeout_s, "1", 1, DFF_TIMEOUT_MAX_S, RUN,
        "Least `api_timeout`"),
    INT("_FUNC_TASK_MAX_API_TIMEOUT", func_max_api_timeout_s, "180", 1, DFF_TIMEOUT_MAX_S, RUN,
        "Greatest `api_timeout`"),
    INT("_FUNC_TASK_EXTRA_TIMEOUT_TO_KILL", func_extra_timeout_to_kill_s, "5", 1, 600, RUN,
        "Seconds after its timeout at which a worker that still runs is killed"),
    INT("_FUNC_TASK_MAX_CHAIN_LENGTH", func_chain_max, "5", 1, 100, RUN,
        "Functions that may start one another with `DFF.FUNC`"),
    INT("_FUNC_TASK_THREAD_POOL_SIZE", func_thread_pool_size, "5", 1, 100, RUN,
        "Threads of `DFF.THREAD` in a call"),
};

static const dff_setting_t dff_node_rows[] = {
    TEXT("_NODE_NAME", node_name, "", 0, dff_check_node,
        "Name of this node among others; empty: the host name"),
    FOLDER("_RUN_PATH", run_path, "../run", 0, "Folder of sockets and pid files"),
};

#define GROUP(title, rows)  { (title), (rows), sizeof(rows) / sizeof((rows)[0]) }

const dff_setting_group_t dff_setting_groups[] = {
    GROUP("General", dff_general_rows),
    GROUP("HTTP", dff_web_rows),
    GROUP("MySQL", dff_mysql_rows),
    GROUP("Redis", dff_redis_rows),
    GROUP("Files, backup, cleaning", dff_data_rows),
    GROUP("Workers and queues", dff_worker_rows),
    GROUP("Calls", dff_func_rows),
    GROUP("Node", dff_node_rows),
};

const size_t dff_setting_group_count = sizeof(dff_setting_groups) / sizeof(dff_setting_groups[0]);

#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))

_Static_assert(COUNT(dff_general_rows) + COUNT(dff_web_rows) + COUNT(dff_mysql_rows)
    + COUNT(dff_redis_rows) + COUNT(dff_data_rows) + COUNT(dff_worker_rows) + COUNT(dff_func_rows)
    + COUNT(dff_node_rows) == DFF_SETTING_COUNT, "dff_config_table.h knows the number of rows");

const dff_setting_t *
dff_setting_at(size_t i)
{
    size_t g;

    for (g = 0; g < dff_setting_group_count; g++) {
        if (i < dff_setting_groups[g].count)
            return &dff_setting_groups[g].rows[i];
        i -= dff_setting_groups[g].count;
    }
    return NULL;
}

size_t
dff_setting_find(const char *key)
{
    size_t i;

    for (i = 0; i < DFF_SETTING_COUNT; i++) {
        if (strcmp(dff_setting_at(i)->key, key) == 0)
            return i;
    }
    return DFF_SETTING_NONE;
}

#define DFF_KEY_LENGTH_MAX  48

/* Edits (change, add, drop, swap of neighbours) that make one key of the other. */
static size_t
dff_setting_distance(const char *a, const char *b)
{
    size_t rows[3][DFF_KEY_LENGTH_MAX + 1];
    size_t la = strlen(a), lb = strlen(b), i, j, best;
    size_t *before, *last, *now;

    if (la > DFF_KEY_LENGTH_MAX || lb > DFF_KEY_LENGTH_MAX)
        return DFF_SETTING_NONE;
    for (j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (i = 1; i <= la; i++) {
        now = rows[i % 3];
        last = rows[(i + 2) % 3];
        before = rows[(i + 1) % 3];
        now[0] = i;
        for (j = 1; j <= lb; j++) {
            best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && before[j - 2] + 1 < best)
            {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const dff_setting_t *
dff_setting_nearest(const char *key)
{
    const dff_setting_t *row, *nearest = NULL;
    size_t               i, distance, least = 2 + strlen(key) / 6;

    for (i = 0; i < DFF_SETTING_COUNT; i++) {
        row = dff_setting_at(i);
        distance = dff_setting_distance(key, row->key);
        if (distance < least || (distance == least && nearest == NULL)) {
            least = distance;
            nearest = row;
        }
    }
    return nearest;
}
