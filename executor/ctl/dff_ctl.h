/*
 * What the commands of dffctl share: a row of the command table, its parsed words,
 * and the context that a handler gets. One process, one command, blocking calls.
 */
#ifndef DFF_CTL_H
#define DFF_CTL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dff_buf.h"
#include "dff_config.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

enum {          /* exit status */
    DFF_CTL_OK = 0,
    DFF_CTL_FAILED = 1,         /* could not be done; for `call`: not even started */
    DFF_CTL_USAGE = 2,
    DFF_CTL_FUNC_FAILED = 3,    /* `call`, `task show`: the function raised */
    DFF_CTL_FUNC_TIMEOUT = 4,
    DFF_CTL_FUNC_LOST = 5       /* lost, or expired in the queue */
};

enum {          /* what a command needs before its handler runs */
    DFF_CTL_CONFIG = 1,         /* the configuration, without errors */
    DFF_CTL_REST = 2            /* takes any further words as they are */
};

#define DFF_CTL_WORDS    3      /* positional words */
#define DFF_CTL_OPTIONS  16

typedef struct dff_ctl_s dff_ctl_t;

typedef struct {
    const char *name;           /* "--id" */
    const char *value;          /* what its value is called in the help; NULL: a flag */
    const char *help;
    bool        required;
} dff_ctl_option_t;

typedef struct {
    const char      *name;                      /* "script publish" */
    const char      *words[DFF_CTL_WORDS];      /* "FILE"; "[KWARGS]" may be left out */
    dff_ctl_option_t options[DFF_CTL_OPTIONS];
    const char      *help;                      /* one line */
    const char      *more;                      /* NULL, or text for --help */
    unsigned         needs;
    int            (*handler)(dff_ctl_t *ctl);
} dff_ctl_command_t;

extern const dff_ctl_command_t dff_ctl_commands[];
extern const size_t dff_ctl_command_count;

struct dff_ctl_s {
    const dff_ctl_command_t *command;
    const char              *words[DFF_CTL_WORDS];      /* NULL: left out */
    const char              *options[DFF_CTL_OPTIONS];  /* NULL: not given; a flag: "" */
    int                      rest_count;
    char                   **rest;                      /* DFF_CTL_REST */
    char                     exe_dir[PATH_MAX];
    char                     config_path[PATH_MAX];
    bool                     help;
    dff_config_t             cfg;
    dff_db_t                *db;                        /* connect at the first use */
    dff_rcmd_t              *rcmd;
    dff_err_t                err;
};

/* --- dff_ctl_args.c: words of the command line -------------------------------- */

/* Fills command, words, options, config_path (when given; --config is the command's own
 * behind one that has an option of that name). DFF_CTL_OK, or a usage
 * error that was printed. */
int dff_ctl_parse(dff_ctl_t *ctl, int argc, char **argv);
/* What was given for an option by its name; NULL: not given, or the command has none. */
const char *dff_ctl_option(const dff_ctl_t *ctl, const char *name);
void dff_ctl_help(const dff_ctl_command_t *command, FILE *out);
void dff_ctl_help_all(FILE *out);
/* The row whose name, or only its noun, is nearest to text; NULL: none is near. */
const dff_ctl_command_t *dff_ctl_nearest(const char *text, bool noun);

/* --- dff_ctl_print.c ---------------------------------------------------------- */

/* "dffctl <command>: <message>" on stderr. Always DFF_CTL_FAILED, or DFF_CTL_USAGE
 * when the caller's words are wrong (bad request). */
int dff_ctl_fail(const dff_ctl_t *ctl);
/* The same for a message of the command's own: fills ctl->err first. */
int dff_ctl_fail_with(dff_ctl_t *ctl, dff_reason_t reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A file, or standard input for "-", up to max bytes and some more, so that who sees more
 * than max knows that it is too long. DFF_ERROR: ctl->err says why. */
int dff_ctl_read_file(dff_ctl_t *ctl, const char *path, size_t max, dff_buf_t *out);

/* A table on stdout: cells row by row; NULL is an empty cell. Columns are as wide as
 * their widest cell; control characters are shown as '?'. */
void dff_ctl_print_table(const char *const *titles, size_t ncolumns, const char *const *cells,
    size_t nrows);
/* Outside text as lines for a terminal: control characters but newline and tab as '?'. Its
 * last line is ended when it is not. */
void dff_ctl_print_text(FILE *out, const char *text, size_t len);
/* The same of a piece, which may end anywhere but within a character. */
void dff_ctl_print_piece(FILE *out, const char *text, size_t len);
/* The number of an option or word in a range; DFF_ERROR: ctl->err names it. */
int dff_ctl_number(dff_ctl_t *ctl, const char *what, const char *text, int64_t min, int64_t max,
    int64_t *value);

/* --- handlers ------------------------------------------------------------------ */

int dff_ctl_script_publish(dff_ctl_t *ctl);
int dff_ctl_script_list(dff_ctl_t *ctl);
int dff_ctl_script_set_export(dff_ctl_t *ctl);
int dff_ctl_script_set_import(dff_ctl_t *ctl);
int dff_ctl_link_add(dff_ctl_t *ctl);
int dff_ctl_link_modify(dff_ctl_t *ctl);
int dff_ctl_link_show(dff_ctl_t *ctl);
int dff_ctl_link_list(dff_ctl_t *ctl);
int dff_ctl_api_auth_add(dff_ctl_t *ctl);
int dff_ctl_api_auth_list(dff_ctl_t *ctl);
int dff_ctl_api_auth_delete(dff_ctl_t *ctl);
int dff_ctl_env_set(dff_ctl_t *ctl);
int dff_ctl_env_list(dff_ctl_t *ctl);
int dff_ctl_env_delete(dff_ctl_t *ctl);
int dff_ctl_source_add(dff_ctl_t *ctl);
int dff_ctl_source_list(dff_ctl_t *ctl);
int dff_ctl_source_delete(dff_ctl_t *ctl);
int dff_ctl_call(dff_ctl_t *ctl);
int dff_ctl_status(dff_ctl_t *ctl);
int dff_ctl_task_show(dff_ctl_t *ctl);
int dff_ctl_log_tail(dff_ctl_t *ctl);
int dff_ctl_report(dff_ctl_t *ctl);
int dff_ctl_queue_list(dff_ctl_t *ctl);
int dff_ctl_queue_clear(dff_ctl_t *ctl);
int dff_ctl_user_reset_password(dff_ctl_t *ctl);
int dff_ctl_backup_now(dff_ctl_t *ctl);
int dff_ctl_backup_list(dff_ctl_t *ctl);
int dff_ctl_backup_restore(dff_ctl_t *ctl);
int dff_ctl_doctor(dff_ctl_t *ctl);
int dff_ctl_db_migrate(dff_ctl_t *ctl);
int dff_ctl_db_status(dff_ctl_t *ctl);
int dff_ctl_db_publish_all(dff_ctl_t *ctl);
int dff_ctl_config_check(dff_ctl_t *ctl);
int dff_ctl_config_show(dff_ctl_t *ctl);
int dff_ctl_config_document(dff_ctl_t *ctl);
int dff_ctl_service(dff_ctl_t *ctl);

/* Where dff_ctl_db.c and dff_ctl_status.c find the migrations. */
void dff_ctl_sql_folder(const dff_ctl_t *ctl, char out[PATH_MAX]);

#endif
