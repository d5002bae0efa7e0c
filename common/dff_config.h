/*
 * The configuration of both programs: one YAML file, each key overridable by
 * the environment as DFF_<KEY>.
 *
 * A setting is one row of the table in dff_config_table.c (key, type, bounds,
 * default, field, secret or not, runtime or restart); reading, overriding,
 * checking, showing and the reference in docs/configuration.md come from it.
 *
 * Runs at start and at reload, in the nginx master, the executor and dffctl. A
 * loaded configuration is read-only and belongs to the caller.
 */
#ifndef DFF_CONFIG_H
#define DFF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dff_err.h"

typedef enum {
    DFF_LOG_NONE, DFF_LOG_ERROR, DFF_LOG_WARNING, DFF_LOG_INFO, DFF_LOG_DEBUG, DFF_LOG_ALL
} dff_log_level_t;

typedef struct {        /* a CUSTOM_* key, for scripts */
    char *key;
    char *json;         /* the YAML value as JSON text */
} dff_config_custom_t;

/* Strings are never NULL ("" when unset). */
typedef struct {
    char   *path;                    /* the file; NULL: defaults and environment only */
    char   *secret;                  /* SECRET */
    int64_t log_level;               /* dff_log_level_t */
    char   *log_file_path;
    bool    log_json;                /* LOG_FILE_FORMAT: text | json */
    char   *timezone;
    char   *web_bind;
    int64_t web_port;
    char   *web_base_url;
    char   *web_cors_origin;         /* "true", "false", or a comma list */
    bool    web_cors_credentials;
    char   *web_trusted_proxies;     /* comma list of CIDR */
    int64_t web_body_size_limit;     /* bytes */
    int64_t upload_file_size_limit;  /* bytes */
    int64_t upload_file_expires_s;
    int64_t http_auth_nonce_max_age_s;

    char   *mysql_host;
    int64_t mysql_port;
    char   *mysql_socket;
    char   *mysql_user;
    char   *mysql_password;
    char   *mysql_database;

    char   *redis_host;
    int64_t redis_port;
    char   *redis_socket;            /* wins over host and port when set */
    int64_t redis_database;
    char   *redis_user;
    char   *redis_password;
    bool    redis_use_tls;

    char   *resource_root_path;
    bool    resource_root_shared;
    int64_t db_auto_backup_limit;
    char   *db_auto_backup_path;
    char   *auto_setup_admin_username;
    char   *auto_setup_admin_password;

    char   *worker_queue_alias_map;
    int64_t worker_concurrency;
    int64_t worker_max_concurrency;  /* 0: 5 x worker_concurrency */
    int64_t worker_max_memory_mb;    /* 0: as the machine has it available */
    int64_t worker_prefetch_multiplier;
    char   *worker_groups;           /* "0;1-6;7;8-9" */
    int64_t worker_max_tasks_per_child;
    int64_t worker_max_rss_mb;
    int64_t worker_queue_limit;
    int64_t worker_result_expires_s;
    char   *worker_user;             /* _WORKER_USER: workers run as it when started by root */
    int64_t api_processes;
    char   *api_user;                /* _API_USER: api processes likewise */
    int64_t func_default_timeout_s, func_min_timeout_s, func_max_timeout_s;
    int64_t func_default_api_timeout_s, func_min_api_timeout_s, func_max_api_timeout_s;
    int64_t func_extra_timeout_to_kill_s;
    int64_t func_chain_max;
    int64_t func_thread_pool_size;
    char   *crontab_auto_backup_db;
    char   *crontab_auto_clean;

    char   *node_name;               /* _NODE_NAME: "" = host name */
    char   *run_path;                /* _RUN_PATH: sockets and pid files */

    dff_config_custom_t *custom;
    size_t               ncustom;
} dff_config_t;

typedef enum { DFF_CONFIG_WARNING, DFF_CONFIG_ERROR } dff_config_severity_t;

/* Called for each finding: "user-config.yaml:12:3: …". text lives for the call. */
typedef void (*dff_config_report_fn)(void *ctx, dff_config_severity_t severity,
    const char *text);

/*
 * Fills cfg from defaults, the file (NULL: none) and the environment, in that
 * order. All findings go to report (NULL: dropped), in the file's order; with
 * an error among them the result is DFF_ERROR, err has the first, and cfg is
 * released. No file, bad YAML: likewise.
 */
int dff_config_load(dff_config_t *cfg, const char *path, dff_config_report_fn report,
    void *report_ctx, dff_err_t *err);
void dff_config_release(dff_config_t *cfg);      /* wipes the secrets */

/* Every key with its value in force, as YAML; secrets as "***". */
void dff_config_show(const dff_config_t *cfg, FILE *out);
/* Tells, in the order of the reference, each key that has another value in b than in a and
 * that a reload does not apply. */
void dff_config_restart_keys(const dff_config_t *a, const dff_config_t *b,
    void (*tell)(void *ctx, const char *key), void *ctx);
/* The reference table as Markdown (docs/configuration.md is made from it). */
void dff_config_document(FILE *out);

/* The worker groups of _WORKER_GROUPS: bit n of masks[i] = queue n. Returns the
 * count (1 to DFF_QUEUE_COUNT), DFF_ERROR when the text is malformed, names a
 * queue twice or none. */
int dff_config_worker_groups(const char *text, unsigned masks[10], dff_err_t *err);

#endif
