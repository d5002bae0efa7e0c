/*
 * The log of this node in pieces, for a page that follows it: a position is a byte of the
 * file. Each line that begins an event gets its level in front, which clients colour by.
 */
#include "api/rest/dff_routes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_form.h"

#include "dff_banned.h"

#define DFF_SYSTEM_LOG_TAIL  (50 << 10)     /* bytes without a position */
#define DFF_SYSTEM_LOG_MAX   (1 << 20)      /* bytes in one answer; the rest comes next time */

static const struct {
    const char *name, *mark;
} dff_system_log_levels[] = {
    { "ERROR", "[E] " }, { "WARNING", "[W] " }, { "INFO", "[I] " }, { "DEBUG", "[D] " },
};


/* What stands in front of a line: "" for one that goes on with an event. */
static const char *
dff_system_log_mark(dff_str_t line, bool json)
{
    dff_str_t level = DFF_STR_NULL;

    if (json) {
        level = dff_member_value(line, "level");
        level = level.len < 2 ? DFF_STR_NULL : (dff_str_t) { level.data + 1, level.len - 2 };
    } else if (line.len > 0 && line.data[0] != '\t') {
        const char *at = memchr(line.data, ' ', line.len);

        if (at != NULL) {
            level = (dff_str_t) { at + 1, (size_t) (dff_str_end(line) - at) - 1 };
            at = memchr(level.data, ' ', level.len);
            level.len = at == NULL ? level.len : (size_t) (at - level.data);
        }
    }
    for (size_t i = 0; i < sizeof(dff_system_log_levels) / sizeof(dff_system_log_levels[0]); i++) {
        if (dff_str_eq(level, dff_str_from(dff_system_log_levels[i].name))) {
            return dff_system_log_levels[i].mark;
        }
    }
    return "";
}


/* A line of the file as a JSON string; other programs' bytes may be no UTF-8. */
static void
dff_system_log_add(dff_buf_t *out, dff_str_t line, bool json)
{
    dff_buf_addf(out, "\"%s", dff_system_log_mark(line, json));
    if (dff_form_is_utf8(line)) {
        dff_buf_add_json_escaped(out, line);
    } else {
        for (size_t i = 0; i < line.len; i++) {
            unsigned char c = (unsigned char) line.data[i];

            dff_buf_add_json_escaped(out, (dff_str_t) { c < 0x80 ? line.data + i : "?", 1 });
        }
    }
    dff_buf_add_str(out, DFF_STR("\""));
}


/* Whole lines only: what is still being written comes with the next piece. */
static size_t
dff_system_log_lines(dff_buf_t *out, dff_str_t bytes, bool json)
{
    const char *at = bytes.data, *end = dff_str_end(bytes), *stop;
    bool        first = true;

    while (at < end && (stop = memchr(at, '\n', (size_t) (end - at))) != NULL) {
        dff_buf_add_str(out, first ? DFF_STR("") : DFF_STR(","));
        dff_system_log_add(out, (dff_str_t) { at, (size_t) (stop - at) }, json);
        first = false;
        at = stop + 1;
    }
    return (size_t) (at - bytes.data);
}


/* Up to DFF_SYSTEM_LOG_MAX bytes from *position on, which is moved where it cannot be. */
static int
dff_system_log_read(const char *path, bool tail, int64_t *position, dff_buf_t *bytes,
    dff_err_t *err)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    char       *room = dff_buf_reserve(bytes, DFF_SYSTEM_LOG_MAX);
    ssize_t     n = -1;

    if (fd == -1 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        dff_err_set(err, DFF_E_SYS, "the log %s cannot be read: %m", path);
    } else if (room == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
    } else {
        /* A rotated log is shorter than what the client has seen. */
        if (tail) {
            *position = st.st_size > DFF_SYSTEM_LOG_TAIL ? st.st_size - DFF_SYSTEM_LOG_TAIL : 0;
        } else if (*position > st.st_size) {
            *position = st.st_size;
        }
        n = pread(fd, room, DFF_SYSTEM_LOG_MAX, *position);
        if (n == -1) {
            dff_err_set(err, DFF_E_SYS, "the log %s cannot be read: %m", path);
        }
    }
    if (fd != -1) {
        (void) close(fd);
    }
    bytes->len = n > 0 ? (size_t) n : 0;
    return n == -1 ? DFF_ERROR : DFF_OK;
}


static int
dff_system_log_get(dff_web_call_t *call, dff_err_t *err)
{
    const dff_log_t *log = &call->web->api->log;
    dff_str_t        wanted = dff_web_query(&call->req, "position"), piece;
    dff_buf_t        bytes = DFF_BUF_INIT, *out = &call->answer.data;
    int64_t          position = 0;
    size_t           taken;

    if (wanted.len > 0) {
        (void) dff_json_int64(wanted, &position);       /* the query was checked */
    }
    if (dff_system_log_read(log->path, wanted.len == 0, &position, &bytes, err) != DFF_OK) {
        dff_buf_release(&bytes);
        return DFF_ERROR;
    }
    piece = (dff_str_t) { bytes.data, bytes.len };
    if (wanted.len == 0 && position > 0) {      /* begins within a line */
        const char *stop = memchr(piece.data, '\n', piece.len);
        size_t      cut = stop == NULL ? piece.len : (size_t) (stop - piece.data) + 1;

        piece = (dff_str_t) { piece.data + cut, piece.len - cut };
        position += (int64_t) cut;
    }
    dff_buf_add_str(out, DFF_STR("{\"logs\":["));
    taken = dff_system_log_lines(out, piece, log->json);
    if (taken == 0 && piece.len == DFF_SYSTEM_LOG_MAX) {
        taken = piece.len;      /* longer than any line of ours: passed over */
    }
    dff_buf_addf(out, "],\"nextPosition\":%lld}", (long long) position + (long long) taken);
    dff_buf_release(&bytes);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static const dff_prop_t dff_system_log_props[] = {
    { "position", DFF_PROP_INT, DFF_OP_BODY, .min = 0, .max = INT64_MAX,
      .about = "The nextPosition of the last answer" },
};
static const dff_shape_t dff_system_log_query = DFF_SHAPE(dff_system_log_props);

static const dff_prop_t dff_system_log_answer_props[] = {
    DFF_ANSWERED("logs", DFF_PROP_STRS, .about = "Lines, with [E], [W], [I] or [D] in front"),
    DFF_ANSWERED("nextPosition", DFF_PROP_INT),
};
DFF_ANSWER(dff_system_log_answer, dff_system_log_answer_props, DFF_PROP_OBJECT);

static const dff_endpoint_t dff_system_log_rows[] = {
    { DFF_WEB_GET, "/api/v1/system-logs", "Read the log of this node", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_system_log_query, .handler = dff_system_log_get,
      .flags = DFF_ENDPOINT_ADMIN | DFF_ENDPOINT_QUIET, .answer = &dff_system_log_answer },
};

const dff_endpoint_group_t dff_system_log_routes = DFF_ENDPOINTS(dff_system_log_rows);
