/*
 * dffctl: the operator's program. Reads the command line against one table, loads
 * the configuration, runs one handler, and exits with what it says.
 */
#include "ctl/dff_ctl.h"

#include <locale.h>
#include <mysql.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_CTL_DEFAULT_CONFIG  "/usr/local/dataflux-func/data/user-config.yaml"
#define DFF_CTL_DB_TIMEOUT_S    60
#define DFF_CTL_JSON_OPTION     { "--json", NULL, "print one JSON object", false }

#define DFF_CTL_LIMIT_OPTION    { "--limit", "N", "at most N rows (1000)", false }

/* What `add` and `modify` set alike, of auth links and batches. */
#define DFF_CTL_LINK_SETTINGS                                                                 \
    { "--kwargs", "JSON", "fixed arguments and placeholders", false },                        \
    { "--api-auth", "ID", "the API auth that it asks for; '': none", false },                 \
    { "--disabled", NULL, "calls are refused", false },                                       \
    { "--enabled", NULL, "calls are taken (again)", false },                                  \
    { "--show-in-doc", NULL, "listed in the document of links, which is public", false },     \
    { "--hide-in-doc", NULL, "not listed there", false }

/* The same, of auth links only. */
#define DFF_CTL_LINK_LIMITS                                                                   \
    { "--expire", "TIME", "ISO 8601 time when the link ends; '': never", false },             \
    { "--throttling", "JSON", "limits like {\"bySecond\": 10}; '': none", false }

#define DFF_CTL_LINK_OWN                                                                      \
    { "--id", "ID", "its id, which is the secret in its URL", false },                        \
    { "--update", NULL, "change it when it exists", false }

#define DFF_CTL_LINK_FUNC  { "--func", "FUNC_ID", "the function that it calls", false }

#define DFF_CTL_LINK_MORE                                                                     \
    "Fixed arguments: {\"x\": \"INPUT_BY_CALLER\", \"y\": 2}. With --update an existing one\n"   \
    "keeps what is not given."

#define DFF_CTL_PACKAGE_PASSWORD \
    { "--password-file", "FILE", "its first line is the package's password", false }

const dff_ctl_command_t dff_ctl_commands[] = {
    { .name = "start", .words = { "[PART]" }, .handler = dff_ctl_service, .needs = DFF_CTL_REST,
      .help = "start the node, or one part: mysql, redis, executor, nginx" },
    { .name = "stop", .words = { "[PART]" }, .handler = dff_ctl_service, .needs = DFF_CTL_REST,
      .help = "stop the node, or one part; running functions may finish" },
    { .name = "restart", .words = { "[PART]" }, .handler = dff_ctl_service,
      .needs = DFF_CTL_REST, .help = "stop and start" },
    { .name = "reload", .words = { "[PART]" }, .handler = dff_ctl_service, .needs = DFF_CTL_REST,
      .help = "apply a changed configuration without ending calls" },

    { .name = "status", .options = { DFF_CTL_JSON_OPTION }, .handler = dff_ctl_status,
      .needs = DFF_CTL_CONFIG, .help = "nodes, workers, queues, Redis and MySQL",
      .more = "Exit status 0: a node is alive, Redis and MySQL answer." },

    { .name = "script publish", .words = { "FILE" }, .handler = dff_ctl_script_publish,
      .needs = DFF_CTL_CONFIG, .help = "publish a file (- is standard input) as a script",
      .options = { { "--id", "SET__NAME", "id of the script; its set is made when missing", true },
                   { "--title", "TITLE", "title of the script", false },
                   { "--note", "TEXT", "note of the publish history", false } },
      .more = "A worker runs the script first to collect its functions; one that raises is\n"
              "refused and nothing is changed. Exit status 0: stored, and live on every node." },
    { .name = "script list", .handler = dff_ctl_script_list, .needs = DFF_CTL_CONFIG,
      .help = "published scripts" },

    { .name = "script-set export", .words = { "FILE" }, .handler = dff_ctl_script_set_export,
      .needs = DFF_CTL_CONFIG, .help = "write published scripts into a package (- is stdout)",
      .options = { { "--id", "SETS", "these sets, with commas between; else all", false },
                   DFF_CTL_PACKAGE_PASSWORD,
                   { "--note", "TEXT", "note in the package and the history", false },
                   { "--links", NULL, "with the auth links of their functions", false },
                   { "--crontabs", NULL, "with their crontab configs", false },
                   { "--batches", NULL, "with their batches", false } },
      .more = "The password of a package keeps casual readers out, nobody else." },
    { .name = "script-set import", .words = { "FILE" }, .handler = dff_ctl_script_set_import,
      .needs = DFF_CTL_CONFIG, .help = "put a package (- is stdin) in place of what is there",
      .options = { DFF_CTL_PACKAGE_PASSWORD,
                   { "--check", NULL, "only tell what would be added and replaced", false },
                   { "--force", NULL, "also what a user has locked", false } },
      .more = "A recover point of all script sets is made first. Exit status 0: stored, and live\n"
              "on every node." },

    { .name = "link add", .words = { "FUNC_ID" }, .handler = dff_ctl_link_add,
      .needs = DFF_CTL_CONFIG, .help = "make an auth link for a published function",
      .options = { DFF_CTL_LINK_SETTINGS, DFF_CTL_LINK_LIMITS, DFF_CTL_LINK_OWN },
      .more = DFF_CTL_LINK_MORE " Limits: bySecond, byMinute, byHour, byDay, byMonth, byYear.\n"
              "A time without a zone is one of TIMEZONE." },
    { .name = "link modify", .words = { "ID" }, .handler = dff_ctl_link_modify,
      .needs = DFF_CTL_CONFIG, .help = "change what is given of an auth link, at once",
      .options = { DFF_CTL_LINK_SETTINGS, DFF_CTL_LINK_LIMITS, DFF_CTL_LINK_FUNC } },
    { .name = "link show", .words = { "ID" }, .handler = dff_ctl_link_show,
      .needs = DFF_CTL_CONFIG, .help = "one auth link and the statistics of its calls",
      .options = { DFF_CTL_JSON_OPTION } },
    { .name = "link list", .handler = dff_ctl_link_list, .needs = DFF_CTL_CONFIG,
      .help = "auth links, newest first", .options = { DFF_CTL_LIMIT_OPTION } },

    { .name = "batch add", .words = { "FUNC_ID" }, .handler = dff_ctl_link_add,
      .needs = DFF_CTL_CONFIG, .help = "make a batch, which calls a function asynchronously",
      .options = { DFF_CTL_LINK_SETTINGS, DFF_CTL_LINK_OWN }, .more = DFF_CTL_LINK_MORE },
    { .name = "batch modify", .words = { "ID" }, .handler = dff_ctl_link_modify,
      .needs = DFF_CTL_CONFIG, .help = "change what is given of a batch, at once",
      .options = { DFF_CTL_LINK_SETTINGS, DFF_CTL_LINK_FUNC } },
    { .name = "batch show", .words = { "ID" }, .handler = dff_ctl_link_show,
      .needs = DFF_CTL_CONFIG, .help = "one batch and the statistics of its calls",
      .options = { DFF_CTL_JSON_OPTION } },
    { .name = "batch list", .handler = dff_ctl_link_list, .needs = DFF_CTL_CONFIG,
      .help = "batches, newest first", .options = { DFF_CTL_LIMIT_OPTION } },

    { .name = "api-auth add", .handler = dff_ctl_api_auth_add, .needs = DFF_CTL_CONFIG,
      .help = "make an API auth, which links may ask for",
      .options = { { "--type", "TYPE", "fixedField, httpBasic, httpDigest or func", true },
                   { "--config", "JSON", "its config, or - for standard input", true },
                   { "--name", "NAME", "what people call it", false },
                   { "--id", "ID", "its id", false },
                   { "--update", NULL, "change it when it exists", false } },
      .more = "fixedField  {\"fields\": [{\"location\": \"header\", \"name\": \"x-token\","
              " \"value\": \"…\"}]}\n"
              "            location: header, query or body; one right field is enough\n"
              "httpBasic, httpDigest  {\"users\": [{\"username\": \"…\", \"password\": \"…\"}]}\n"
              "func        {\"funcId\": \"demo__auth.check\"}: called with req, says yes or no\n"
              "\n"
              "Other users of this machine see the words of a command: give secrets on standard\n"
              "input. With --update users without a password keep theirs; those left out go." },
    { .name = "api-auth list", .handler = dff_ctl_api_auth_list, .needs = DFF_CTL_CONFIG,
      .help = "API auths, newest first, without their secrets",
      .options = { DFF_CTL_LIMIT_OPTION } },
    { .name = "api-auth delete", .words = { "ID" }, .handler = dff_ctl_api_auth_delete,
      .needs = DFF_CTL_CONFIG, .help = "delete an API auth that no link needs",
      .options = { { "--force", NULL, "even so; its links then refuse every call", false } } },

    { .name = "env set", .words = { "ID", "VALUE" }, .handler = dff_ctl_env_set,
      .needs = DFF_CTL_CONFIG, .help = "make or change an environment variable of scripts",
      .options = { { "--type", "TYPE", "what scripts read it as; a new one: string", false },
                   { "--title", "TITLE", "what people call it", false },
                   { "--description", "TEXT", "what it is for", false } },
      .more = "Types: string, integer, float, boolean, json, commaArray. Scripts see a change\n"
              "within a second. VALUE - is standard input: other users of this machine see the\n"
              "words of a command." },
    { .name = "env list", .handler = dff_ctl_env_list, .needs = DFF_CTL_CONFIG,
      .help = "environment variables of scripts, without their values" },
    { .name = "env delete", .words = { "ID" }, .handler = dff_ctl_env_delete,
      .needs = DFF_CTL_CONFIG, .help = "delete an environment variable of scripts" },

    { .name = "source add", .words = { "ID" }, .handler = dff_ctl_source_add,
      .needs = DFF_CTL_CONFIG, .help = "make a data source, which scripts use as DFF.SRC('ID')",
      .options = { { "--type", "TYPE", "mysql, redis, postgresql, http, …", false },
                   { "--config", "JSON", "its config, or - for standard input", false },
                   { "--title", "TITLE", "what people call it", false },
                   { "--description", "TEXT", "what it is for", false },
                   { "--update", NULL, "change what is given of an existing one", false } },
      .more = "mysql, postgresql  {\"host\": …, \"database\": …, \"user\": …, \"password\": …}\n"
              "redis              {\"host\": …, \"database\": 0, \"password\": …}\n"
              "http               {\"host\": …, \"protocol\": \"https\", \"user\": …,"
              " \"password\": …}\n"
              "and \"port\" where it is not the usual one.\n"
              "\n"
              "Other users of this machine see the words of a command: give secrets on standard\n"
              "input. With --update a config is replaced, but a password or secretKey that is\n"
              "left out stays; null removes it." },
    { .name = "source list", .handler = dff_ctl_source_list, .needs = DFF_CTL_CONFIG,
      .help = "data sources, without their secrets", .options = { DFF_CTL_LIMIT_OPTION } },
    { .name = "source delete", .words = { "ID" }, .handler = dff_ctl_source_delete,
      .needs = DFF_CTL_CONFIG, .help = "delete a data source" },

    { .name = "call", .words = { "FUNC_ID", "[KWARGS]" }, .handler = dff_ctl_call,
      .needs = DFF_CTL_CONFIG, .help = "call a published function and print its result",
      .options = { { "--timeout", "S", "time limit of the function", false },
                   DFF_CTL_JSON_OPTION },
      .more = "KWARGS is a JSON object like {\"x\": 1}. Exit status: 0 success, 3 the function\n"
              "raised, 4 its time limit passed, 5 it was lost or expired; 1 it could not be\n"
              "called, 2 wrong usage." },
    { .name = "task show", .words = { "ID" }, .options = { DFF_CTL_JSON_OPTION },
      .handler = dff_ctl_task_show, .needs = DFF_CTL_CONFIG,
      .help = "state, result and timing of a task",
      .more = "Exit status as of call; 0 too while it is queued or running." },

    { .name = "queue list", .options = { DFF_CTL_JSON_OPTION }, .handler = dff_ctl_queue_list,
      .needs = DFF_CTL_CONFIG, .help = "jobs that wait in each queue" },
    { .name = "queue clear", .words = { "N|all" }, .handler = dff_ctl_queue_clear,
      .needs = DFF_CTL_CONFIG, .help = "drop the waiting jobs of a queue; their callers are told" },

    { .name = "log tail", .handler = dff_ctl_log_tail, .needs = DFF_CTL_CONFIG,
      .help = "the last lines of this node's log",
      .options = { { "--lines", "N", "so many lines (100)", false },
                   { "--follow", NULL, "and those to come, until it is interrupted", false } } },
    { .name = "doctor", .handler = dff_ctl_doctor,
      .help = "look at everything that a call needs, and say what to do about what is wrong",
      .more = "Exit status 0: nothing is wrong; there may be warnings." },
    { .name = "report", .options = { DFF_CTL_JSON_OPTION }, .handler = dff_ctl_report,
      .needs = DFF_CTL_CONFIG, .help = "this machine, the cluster and what it holds, for support",
      .more = "Exit status 0: Redis and MySQL answer. Says no secrets." },

    { .name = "user reset-password", .words = { "NAME" }, .handler = dff_ctl_user_reset_password,
      .needs = DFF_CTL_CONFIG, .help = "give a user a new password; its sign-ins are over",
      .options = { { "--stdin", NULL, "that of standard input; else a random one is shown",
                     false } } },

    { .name = "backup now", .handler = dff_ctl_backup_now, .needs = DFF_CTL_CONFIG,
      .help = "write the database to a file of DB_AUTO_BACKUP_PATH",
      .more = "Of tables that are logs the rows are left out. The newest DB_AUTO_BACKUP_LIMIT\n"
              "files are kept. They hold secrets that SECRET opens: mode 0600." },
    { .name = "backup list", .handler = dff_ctl_backup_list, .needs = DFF_CTL_CONFIG,
      .help = "backups, newest first" },
    { .name = "backup restore", .words = { "FILE" }, .handler = dff_ctl_backup_restore,
      .needs = DFF_CTL_CONFIG, .help = "put a backup in place of the database",
      .options = { { "--force", NULL, "also while an executor runs", false } },
      .more = "FILE without a '/' is one of `backup list`. The schema is brought up to date and\n"
              "Redis made to follow." },

    { .name = "db migrate", .handler = dff_ctl_db_migrate, .needs = DFF_CTL_CONFIG,
      .help = "bring the schema up to date; a new database gets its administrator" },
    { .name = "db status", .handler = dff_ctl_db_status, .needs = DFF_CTL_CONFIG,
      .help = "migrations and their state; exit status 0: up to date" },
    { .name = "db publish-all", .handler = dff_ctl_db_publish_all, .needs = DFF_CTL_CONFIG,
      .help = "rebuild the scripts and routes in Redis from MySQL" },

    { .name = "config check", .handler = dff_ctl_config_check,
      .help = "every error of the configuration, then try MySQL and Redis" },
    { .name = "config show", .handler = dff_ctl_config_show, .needs = DFF_CTL_CONFIG,
      .help = "the configuration in force, secrets masked" },
    { .name = "config document", .handler = dff_ctl_config_document,
      .help = "the reference of all keys, as Markdown" },
};

const size_t dff_ctl_command_count = sizeof(dff_ctl_commands) / sizeof(dff_ctl_commands[0]);


/* Folder of the executable, links resolved. */
static int
dff_ctl_find_self(dff_ctl_t *ctl)
{
    ssize_t len = readlink("/proc/self/exe", ctl->exe_dir, sizeof(ctl->exe_dir) - 1);
    char   *slash;

    if (len <= 0) {
        perror("dffctl: /proc/self/exe");
        return DFF_CTL_FAILED;
    }
    ctl->exe_dir[len] = '\0';
    slash = strrchr(ctl->exe_dir, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return DFF_CTL_OK;
}


static void
dff_ctl_find_config(dff_ctl_t *ctl)
{
    const char *named = getenv("DFF_CONFIG");
    int         len;

    if (ctl->config_path[0] != '\0') {
        return;
    }
    if (named != NULL && named[0] != '\0') {
        (void) snprintf(ctl->config_path, sizeof(ctl->config_path), "%s", named);
        return;
    }
    len = snprintf(ctl->config_path, sizeof(ctl->config_path), "%s/../data/user-config.yaml",
                   ctl->exe_dir);
    if (len < 0 || (size_t) len >= sizeof(ctl->config_path)
        || access(ctl->config_path, F_OK) != 0)
    {
        (void) snprintf(ctl->config_path, sizeof(ctl->config_path), "%s",
                        DFF_CTL_DEFAULT_CONFIG);
    }
}


void
dff_ctl_sql_folder(const dff_ctl_t *ctl, char out[PATH_MAX])
{
    (void) snprintf(out, PATH_MAX, "%.*s/../sql", PATH_MAX - 8, ctl->exe_dir);
}


typedef struct {
    const dff_ctl_t *ctl;
    bool             told;      /* an error was printed */
} dff_ctl_report_t;


static void
dff_ctl_report_config(void *ctx, dff_config_severity_t severity, const char *text)
{
    dff_ctl_report_t *report = ctx;

    report->told = report->told || severity == DFF_CONFIG_ERROR;
    fprintf(stderr, "dffctl %s: %s%s\n", report->ctl->command->name,
            severity == DFF_CONFIG_ERROR ? "" : "warning: ", text);
}


static int
dff_ctl_load_config(dff_ctl_t *ctl)
{
    dff_ctl_report_t report = { .ctl = ctl };

    if (dff_config_load(&ctl->cfg, ctl->config_path, dff_ctl_report_config, &report, &ctl->err)
        != DFF_OK)
    {
        return report.told ? DFF_CTL_FAILED : dff_ctl_fail(ctl);
    }
    ctl->db = dff_db_new(&ctl->cfg, DFF_CTL_DB_TIMEOUT_S);
    ctl->rcmd = dff_rcmd_new(&ctl->cfg);
    return ctl->db != NULL && ctl->rcmd != NULL
        ? DFF_CTL_OK : dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
}


static int
dff_ctl_run(dff_ctl_t *ctl)
{
    int rc;

    if (ctl->help) {
        dff_ctl_help(ctl->command, stdout);
        return DFF_CTL_OK;
    }
    dff_ctl_find_config(ctl);
    if (ctl->command->needs & DFF_CTL_CONFIG) {
        rc = dff_ctl_load_config(ctl);
        if (rc != DFF_CTL_OK) {
            return rc;
        }
    }
    rc = ctl->command->handler(ctl);
    dff_db_free(ctl->db);
    dff_rcmd_free(ctl->rcmd);
    if (ctl->command->needs & DFF_CTL_CONFIG) {
        dff_config_release(&ctl->cfg);
    }
    return rc;
}


int
main(int argc, char **argv)
{
    static dff_ctl_t ctl;       /* zeroed; two paths make it large for a stack */
    int              rc;

    /* Widths of cells; without the locale they are counted in bytes. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void) setlocale(LC_CTYPE, "");
    }

    rc = dff_ctl_find_self(&ctl);
    if (rc == DFF_CTL_OK) {
        rc = dff_ctl_parse(&ctl, argc, argv);
    }
    if (rc == DFF_CTL_OK && ctl.command == NULL) {
        dff_ctl_help_all(stdout);
    } else if (rc == DFF_CTL_OK) {
        rc = dff_ctl_run(&ctl);
    }

    mysql_library_end();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("dffctl: standard output");
        rc = rc == DFF_CTL_OK ? DFF_CTL_FAILED : rc;
    }
    return rc;
}
