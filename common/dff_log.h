/*
 * Log lines. Both programs append to the same file: a line is written with one
 * write() to an O_APPEND descriptor, so lines of several processes never mix.
 *
 *   2026-01-02T03:04:05.678+08:00 WARNING executor/master[123] task-… text
 *
 * or the same as JSON fields. Newlines in text become "\n" followed by a tab on
 * the next physical line only in text format (a traceback stays readable), and
 * are escaped in JSON. Runs in every process, no locks: one write per event.
 */
#ifndef DFF_LOG_H
#define DFF_LOG_H

#include "dff_config.h"
#include "dff_tz.h"

typedef struct {
    int             fd;             /* -1: stderr only when to_stderr */
    dff_log_level_t level;
    bool            json;
    bool            to_stderr;      /* in the foreground */
    char            path[1024];
    char            process[32];    /* "executor/master", "nginx" */
    dff_tz_t        tz;             /* of TIMEZONE; the process's TZ is not touched */
} dff_log_t;

/* Opens (creating folders is not its business). DFF_ERROR leaves stderr. */
int dff_log_open(dff_log_t *log, const dff_config_t *cfg, const char *process, dff_err_t *err);
/* After logrotate: opens the path anew, keeps the old file when that fails. */
void dff_log_reopen(dff_log_t *log);
void dff_log_close(dff_log_t *log);

/* id: task or trace id, or NULL. */
void dff_log_write(dff_log_t *log, dff_log_level_t level, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define dff_log_on(log, lvl)  ((lvl) <= (log)->level)
/* The arguments are not evaluated when the level is off. */
#define dff_log_at(log, lvl, id, ...) \
    do { if (dff_log_on(log, lvl)) dff_log_write(log, lvl, id, __VA_ARGS__); } while (0)
#define dff_log_error(log, id, ...)  dff_log_at(log, DFF_LOG_ERROR, id, __VA_ARGS__)
#define dff_log_warn(log, id, ...)   dff_log_at(log, DFF_LOG_WARNING, id, __VA_ARGS__)
#define dff_log_info(log, id, ...)   dff_log_at(log, DFF_LOG_INFO, id, __VA_ARGS__)
#define dff_log_debug(log, id, ...)  dff_log_at(log, DFF_LOG_DEBUG, id, __VA_ARGS__)

/* One line as it goes into the file, newline included, for programs that write
 * it themselves (nginx). Cut to size - 1; returns the length. */
size_t dff_log_format(const dff_log_t *log, char *out, size_t size, dff_log_level_t level,
    const char *id, dff_str_t text);

#endif
