/*
 * Lines of the log. Runs in every process; a line is one write() to an O_APPEND
 * descriptor, which the kernel does not mix with those of other processes.
 */
#include "dff_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_buf.h"
#include "dff_json.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_LOG_STACK_SIZE  4096
#define DFF_LOG_TEXT_MAX    (1u << 20)    /* a longer text is cut */
#define DFF_LOG_ID_MAX      128
#define DFF_LOG_HEAD_SIZE   512           /* all before the text, and the end */

static const char *const dff_log_level_names[] = {
    [DFF_LOG_NONE] = "NONE", [DFF_LOG_ERROR] = "ERROR", [DFF_LOG_WARNING] = "WARNING",
    [DFF_LOG_INFO] = "INFO", [DFF_LOG_DEBUG] = "DEBUG", [DFF_LOG_ALL] = "ALL",
};

static int
dff_log_open_file(const char *path)
{
    /* Not for everyone: log lines tell of requests and their callers. */
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

int
dff_log_open(dff_log_t *log, const dff_config_t *cfg, const char *process, dff_err_t *err)
{
    dff_err_t zone_err;

    memset(log, 0, sizeof(*log));
    log->fd = -1;
    log->to_stderr = true;
    log->level = (dff_log_level_t) cfg->log_level;
    log->json = cfg->log_json;
    (void) snprintf(log->process, sizeof(log->process), "%s", process);

    /* A zone that went away since the configuration was checked costs UTC. */
    if (dff_tz_init(&log->tz, cfg->timezone, &zone_err) != DFF_OK)
        dff_log_warn(log, NULL, "log times are UTC: %s", zone_err.message);

    if ((size_t) snprintf(log->path, sizeof(log->path), "%s", cfg->log_file_path)
        >= sizeof(log->path))
    {
        log->path[0] = '\0';
        return dff_err_set(err, DFF_E_SYS, "log file %.128s…: the path is longer than %zu bytes",
            cfg->log_file_path, sizeof(log->path) - 1);
    }
    log->fd = dff_log_open_file(log->path);
    if (log->fd < 0)
        return dff_err_set(err, DFF_E_SYS, "open log file %s: %s", log->path, strerror(errno));
    log->to_stderr = false;
    return DFF_OK;
}

void
dff_log_reopen(dff_log_t *log)
{
    int fd;

    if (log->path[0] == '\0')
        return;
    fd = dff_log_open_file(log->path);
    if (fd < 0) {
        dff_log_error(log, NULL, "reopen log file %s: %s, the old one stays in use", log->path,
            strerror(errno));
        return;
    }
    if (log->fd >= 0)
        (void) close(log->fd);      /* nothing is buffered that could be lost */
    log->fd = fd;
}

void
dff_log_close(dff_log_t *log)
{
    if (log->fd >= 0)
        (void) close(log->fd);
    log->fd = -1;
    dff_tz_release(&log->tz);
}

static dff_str_t
dff_log_id(const char *id)
{
    size_t len = id == NULL ? 0 : strnlen(id, DFF_LOG_ID_MAX);

    return len == 0 ? DFF_STR("-") : (dff_str_t) { id, len };
}

/* Longest start of text that is no longer than len and ends between characters. */
static size_t
dff_log_cut(dff_str_t text, size_t len)
{
    if (len >= text.len)
        return text.len;
    while (len > 0 && ((unsigned char) text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/*
 * A newline is followed by a tab, so that no text can look like a line of its
 * own; other control characters are spelt out, or they would act on terminals.
 */
static char *
dff_log_put_text(char *out, const char *end, dff_str_t text)
{
    static const char digits[] = "0123456789abcdef";
    size_t            i, len;
    unsigned char     c;

    for (i = 0; i < text.len; i += len) {
        c = (unsigned char) text.data[i];
        len = 1;
        if (c == '\n') {
            if (end - out < 2)
                break;
            *out++ = '\n';
            *out++ = '\t';
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            if (end - out < 4)
                break;
            *out++ = '\\';
            *out++ = 'x';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        } else {
            while (i + len < text.len && ((unsigned char) text.data[i + len] & 0xc0) == 0x80)
                len++;
            if ((size_t) (end - out) < len)
                break;
            memcpy(out, text.data + i, len);
            out += len;
        }
    }
    return out;
}

/* Each byte that is left out makes the escaped text shorter by 1 to 6. */
static char *
dff_log_put_json(char *out, const char *end, dff_str_t text)
{
    size_t room = (size_t) (end - out), size;

    text.len = dff_log_cut(text, room);
    size = dff_json_escaped_size(text);
    while (size > room) {
        text.len = dff_log_cut(text, text.len - (size - room + 5) / 6);
        size = dff_json_escaped_size(text);
    }
    return dff_json_escape(out, text);
}

size_t
dff_log_format(const dff_log_t *log, char *out, size_t size, dff_log_level_t level, const char *id,
    dff_str_t text)
{
    char        when[DFF_TIME_ISO_SIZE], escaped_id[6 * DFF_LOG_ID_MAX + 1];
    int64_t     now_ms = dff_time_now_ms();
    const char *name = (unsigned) level <= DFF_LOG_ALL ? dff_log_level_names[level] : "ERROR";
    dff_str_t   shown = dff_log_id(id);
    size_t      tail = log->json ? 3 : 1;       /* "}\n and \n */
    char       *p;
    int         n;

    if (size == 0)
        return 0;
    (void) dff_time_iso(when, now_ms, dff_tz_offset(&log->tz, now_ms / 1000));
    *dff_json_escape(escaped_id, shown) = '\0';
    n = log->json
        ? snprintf(out, size, "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,"
            "\"id\":\"%s\",\"text\":\"", when, name, log->process, (int) getpid(), escaped_id)
        : snprintf(out, size, "%s %s %s[%d] %s ", when, name, log->process, (int) getpid(),
            escaped_id);
    if (n < 0 || (size_t) n + tail >= size) {
        out[0] = '\0';
        return 0;
    }

    p = out + n;
    if (log->json) {
        p = dff_log_put_json(p, out + size - 1 - tail, text);
        memcpy(p, "\"}\n", 3);
    } else {
        p = dff_log_put_text(p, out + size - 1 - tail, text);
        *p = '\n';
    }
    p += tail;
    *p = '\0';
    return (size_t) (p - out);
}

static void
dff_log_put_line(const dff_log_t *log, const char *line, size_t len)
{
    int     fds[2] = { log->fd, log->to_stderr ? STDERR_FILENO : -1 }, i;
    ssize_t n;

    for (i = 0; i < 2; i++) {
        if (fds[i] < 0)
            continue;
        do {
            n = write(fds[i], line, len);
        } while (n < 0 && errno == EINTR);
        /* A full disk leaves a part of a line or none; there is nowhere to tell. */
    }
}

static void
dff_log_put(const dff_log_t *log, dff_log_level_t level, const char *id, dff_str_t text)
{
    char   small[DFF_LOG_STACK_SIZE];
    char  *line = small, *more;
    size_t size = sizeof(small), most = 6 * text.len + DFF_LOG_HEAD_SIZE + 6 * DFF_LOG_ID_MAX;

    if (most > size) {
        more = malloc(most);
        if (more != NULL) {        /* else the line is cut to what there is */
            line = more;
            size = most;
        }
    }
    dff_log_put_line(log, line, dff_log_format(log, line, size, level, id, text));
    if (line != small)
        free(line);
}

void
dff_log_write(dff_log_t *log, dff_log_level_t level, const char *id, const char *fmt, ...)
{
    char      small[DFF_LOG_STACK_SIZE];
    char     *text = small, *more = NULL;
    va_list   args, again;
    int       n;
    dff_str_t whole;
    int       saved_errno = errno;         /* callers log between a call and its errno */

    if (!dff_log_on(log, level) || level == DFF_LOG_NONE)
        return;
    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    whole = (dff_str_t) { small, n < 0 ? 0 : (size_t) n };
    if (whole.len >= sizeof(small)) {
        if (whole.len > DFF_LOG_TEXT_MAX)
            whole.len = DFF_LOG_TEXT_MAX;
        more = malloc(whole.len + 1);
        if (more != NULL && vsnprintf(more, whole.len + 1, fmt, again) >= 0)
            text = more;
        else
            whole.len = sizeof(small) - 1;
    }
    va_end(again);

    whole.data = text;
    dff_log_put(log, level, id, whole);
    free(more);
    errno = saved_errno;
}
