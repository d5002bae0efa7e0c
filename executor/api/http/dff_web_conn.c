/*
 * A connection of the management API: one SCGI request, one answer. Reading and writing go
 * through the loop with a time limit for each step, so that a slow client costs a descriptor
 * and a timer, and no time of others.
 */
#include "api/http/dff_web.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dff_time.h"
#include "api/dff_sys_stats.h"
#include "api/http/dff_cors.h"

#include "dff_banned.h"

#define DFF_WEB_STEP_S     60           /* between two pieces of a request or an answer */
#define DFF_WEB_REQUEST_S  3600         /* for all of a request */
#define DFF_WEB_PIECE      65536
#define DFF_WEB_LINGER_S   30           /* for a client to see that it is answered */
#define DFF_WEB_TURN       (1 << 20)    /* bytes of a file in one turn of the loop */

typedef enum {
    DFF_WEB_READS_HEAD, DFF_WEB_READS_BODY, DFF_WEB_HANDLES, DFF_WEB_WRITES,
    DFF_WEB_LINGERS,        /* answered; the rest of the body is passed over */
    DFF_WEB_GONE            /* the client is; its call goes on */
} dff_web_state_t;

struct dff_web_conn_s {
    dff_web_t       *web;
    dff_web_conn_t  *next, **link;      /* of the list */
    int              fd;
    struct event    *readable, *writable;
    dff_web_state_t  state;
    int64_t          deadline_ms;       /* monotonic: of the whole request */
    dff_scgi_t       scgi;
    dff_buf_t        body;
    uint64_t         held;              /* of web->held */
    dff_web_call_t  *call;
    uint64_t         received;          /* bytes of body */
    dff_buf_t        out;
    size_t           sent;
    uint64_t         file_sent;         /* of the answer's file, behind out */
};


static void
dff_web_conn_free(dff_web_conn_t *conn)
{
    dff_web_t *web = conn->web;

    if (conn->call != NULL) {
        dff_web_call_release(conn->call);
        free(conn->call);
    }
    *conn->link = conn->next;
    if (conn->next != NULL) {
        conn->next->link = conn->link;
    }
    web->nconnections--;
    web->held -= conn->held;
    if (conn->readable != NULL) {
        event_free(conn->readable);
    }
    if (conn->writable != NULL) {
        event_free(conn->writable);
    }
    if (conn->fd != -1) {
        (void) close(conn->fd);     /* what was to be said is said */
    }
    dff_scgi_release(&conn->scgi);
    dff_buf_release(&conn->body);
    dff_buf_release(&conn->out);
    free(conn);
}


static int
dff_web_conn_wait(struct event *event)
{
    struct timeval limit = { DFF_WEB_STEP_S, 0 };

    return event_add(event, &limit);
}

/* --- writing --------------------------------------------------------------------------------- */

/* The answer is out. A socket that is closed with bytes unread is reset, and the web server
 * would not see the answer: a body that nobody wants is read all the same, for a while. */
static void
dff_web_conn_written(dff_web_conn_t *conn)
{
    if (conn->received < conn->scgi.body_len && shutdown(conn->fd, SHUT_WR) == 0
        && dff_web_conn_wait(conn->readable) == 0)
    {
        conn->state = DFF_WEB_LINGERS;
        conn->deadline_ms = dff_time_monotonic_ms() + DFF_WEB_LINGER_S * 1000;
        return;
    }
    dff_web_conn_free(conn);
}


/* The next bytes of out, then of the file. 0: everything is sent. */
static ssize_t
dff_web_conn_send(dff_web_conn_t *conn)
{
    const dff_web_answer_t *answer = &conn->call->answer;
    off_t                   at = (off_t) conn->file_sent;
    uint64_t                left;
    ssize_t                 n;

    if (conn->sent < conn->out.len) {
        n = send(conn->fd, conn->out.data + conn->sent, conn->out.len - conn->sent,
                 MSG_NOSIGNAL);
        conn->sent += n > 0 ? (size_t) n : 0;
        return n;
    }
    if (!answer->has_file || conn->call->req.method == DFF_WEB_HEAD
        || conn->file_sent == answer->file_size)
    {
        return 0;
    }
    left = answer->file_size - conn->file_sent;
    n = sendfile(conn->fd, answer->file, &at, left < DFF_WEB_TURN ? (size_t) left : DFF_WEB_TURN);
    if (n == 0) {
        errno = EPIPE;      /* it has become shorter: the client must see that it is cut */
        return -1;
    }
    conn->file_sent += n > 0 ? (uint64_t) n : 0;
    return n;
}


static void
dff_web_conn_write(dff_web_conn_t *conn)
{
    size_t  turn = 0;
    ssize_t n;

    for ( ;; ) {
        n = dff_web_conn_send(conn);
        if (n == 0) {
            dff_web_conn_written(conn);
            return;
        }
        turn += n > 0 ? (size_t) n : 0;
        if ((n < 0 && errno == EAGAIN) || (n > 0 && turn >= DFF_WEB_TURN)) {
            if (dff_web_conn_wait(conn->writable) == 0) {
                return;
            }
            break;
        }
        if (n < 0 && errno != EINTR) {
            break;
        }
    }
    dff_web_conn_free(conn);
}


static void
dff_web_conn_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    if ((what & EV_TIMEOUT) != 0) {
        dff_web_conn_free(ctx);
        return;
    }
    dff_web_conn_write(ctx);
}


void
dff_web_conn_answer(dff_web_conn_t *conn, dff_buf_t *out)
{
    if (conn->state == DFF_WEB_GONE) {
        dff_web_conn_free(conn);
        return;
    }
    (void) event_del(conn->readable);
    conn->state = DFF_WEB_WRITES;
    if (dff_buf_failed(out)) {
        static const char failed[] = "Status: 500\r\nContent-Length: 0\r\n\r\n";

        dff_buf_clear(out);
        dff_buf_add(out, failed, sizeof(failed) - 1);
    }
    conn->out = *out;
    *out = DFF_BUF_INIT;
    dff_web_conn_write(conn);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Does the body go to its endpoint piece by piece? */
static bool
dff_web_conn_has_sink(const dff_web_conn_t *conn)
{
    return !conn->call->bad_head && conn->call->endpoint != NULL
        && conn->call->endpoint->sink != NULL;
}


/* The body may come: is there room for it? */
static int
dff_web_conn_admit(dff_web_conn_t *conn, dff_err_t *err)
{
    uint64_t size, max = dff_web_call_body_max(conn->call);

    /* What comes in chunks ends where its own form says, or here. */
    conn->scgi.body_open = conn->scgi.body_open && dff_web_conn_has_sink(conn);
    if (conn->scgi.body_open) {
        conn->scgi.body_len = max;
    }
    size = conn->scgi.body_len;
    if (size > max) {
        return dff_err_set(err, DFF_E_BODY_TOO_LARGE,
                           "The body has %llu bytes, at most %llu are allowed",
                           (unsigned long long) size, (unsigned long long) max);
    }
    if (dff_web_conn_has_sink(conn)) {
        return dff_web_call_sink_begin(conn->call, err);
    }
    if (conn->web->held + size > DFF_WEB_HELD_MAX) {
        return dff_err_set(err, DFF_E_SYS_LIMIT_REACHED,
                           "Too many large requests at once; try again");
    }
    conn->held = size;
    conn->web->held += size;
    return DFF_OK;
}


static int
dff_web_conn_head(dff_web_conn_t *conn, dff_str_t *bytes, dff_err_t *err)
{
    int rc = dff_scgi_feed(&conn->scgi, bytes, err);

    if (rc != 1) {
        return rc;
    }
    conn->call = calloc(1, sizeof(*conn->call));
    if (conn->call == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    conn->call->web = conn->web;
    conn->call->conn = conn;
    conn->state = DFF_WEB_READS_BODY;
    dff_web_call_begin(conn->call, &conn->scgi);
    return 1;
}


/* The connection may be gone afterwards. */
static void
dff_web_conn_take_body(dff_web_conn_t *conn, dff_str_t bytes)
{
    bool      sink = dff_web_conn_has_sink(conn);
    dff_err_t err = { 0 };

    if (bytes.len > conn->scgi.body_len - conn->received) {
        bytes.len = (size_t) (conn->scgi.body_len - conn->received);
    }
    conn->received += bytes.len;
    if (!sink) {
        dff_buf_add_str(&conn->body, bytes);
        if (dff_buf_failed(&conn->body)) {
            dff_web_conn_free(conn);
            return;
        }
    } else if (conn->call->endpoint->sink->take(conn->call, bytes, &err) != DFF_OK) {
        conn->state = DFF_WEB_HANDLES;
        dff_web_call_fail(conn->call, &err);
        return;
    }
    if (conn->received < conn->scgi.body_len
        && !(conn->scgi.body_open && conn->call->endpoint->sink->ended(conn->call)))
    {
        return;
    }
    conn->state = DFF_WEB_HANDLES;
    if (sink) {
        dff_web_call_sink_end(conn->call);
    } else {
        dff_web_call_run(conn->call, (dff_str_t) { conn->body.data, conn->body.len });
    }
}


/* Takes a piece of the request. The connection may be gone afterwards. */
static void
dff_web_conn_take(dff_web_conn_t *conn, dff_str_t bytes)
{
    dff_err_t err = { 0 };

    if (conn->state == DFF_WEB_READS_HEAD) {
        int rc = dff_web_conn_head(conn, &bytes, &err);

        if (rc == DFF_ERROR) {
            dff_log_warn(&conn->web->api->log, NULL, "a request is no SCGI: %s", err.message);
            dff_web_conn_free(conn);
            return;
        }
        if (rc == 0) {
            return;
        }
        if (dff_web_conn_admit(conn, &err) != DFF_OK) {
            conn->state = DFF_WEB_HANDLES;
            dff_web_call_fail(conn->call, &err);
            return;
        }
    }
    dff_web_conn_take_body(conn, bytes);
}


/* A call that outlives its client keeps what it points to; dff_web_conn_answer() ends it. */
static void
dff_web_conn_lost(dff_web_conn_t *conn)
{
    if (conn->state != DFF_WEB_HANDLES || !conn->call->outlives) {
        dff_web_conn_free(conn);
        return;
    }
    (void) event_del(conn->readable);
    (void) close(conn->fd);     /* nobody is left to hear of an error */
    conn->fd = -1;
    conn->state = DFF_WEB_GONE;
}


static void
dff_web_conn_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_web_conn_t *conn = ctx;
    char            piece[DFF_WEB_PIECE];
    ssize_t         n;

    (void) fd;
    if ((what & EV_TIMEOUT) != 0
        && (conn->state != DFF_WEB_HANDLES || dff_time_monotonic_ms() > conn->deadline_ms))
    {
        dff_web_conn_free(conn);
        return;
    }
    n = recv(conn->fd, piece, sizeof(piece), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        dff_web_conn_lost(conn);        /* the client is gone, also while its call waits */
        return;
    }
    if (dff_web_conn_wait(conn->readable) != 0) {
        dff_web_conn_free(conn);
        return;
    }
    /* Who sends a byte now and then would never meet the limit of a step. */
    if (conn->state != DFF_WEB_HANDLES && dff_time_monotonic_ms() > conn->deadline_ms) {
        dff_web_conn_free(conn);
        return;
    }
    if (n > 0 && (conn->state == DFF_WEB_READS_HEAD || conn->state == DFF_WEB_READS_BODY)) {
        dff_web_conn_take(conn, (dff_str_t) { piece, (size_t) n });
    }
}

/* --- the process ----------------------------------------------------------------------------- */

void
dff_web_accept(dff_api_t *api, int fd)
{
    dff_web_t      *web = api->web;
    dff_web_conn_t *conn = NULL;

    if (web->nconnections < DFF_WEB_CONNECTIONS_MAX) {
        conn = calloc(1, sizeof(*conn));
    }
    if (conn == NULL) {
        dff_log_warn(&api->log, NULL, "a request is refused: %zu are open", web->nconnections);
        (void) close(fd);
        return;
    }
    conn->web = web;
    conn->fd = fd;
    conn->deadline_ms = dff_time_monotonic_ms() + DFF_WEB_REQUEST_S * 1000;
    conn->next = web->connections;
    conn->link = &web->connections;
    if (conn->next != NULL) {
        conn->next->link = &conn->next;
    }
    web->connections = conn;
    web->nconnections++;
    conn->readable = event_new(api->base, fd, EV_READ, dff_web_conn_on_readable, conn);
    conn->writable = event_new(api->base, fd, EV_WRITE, dff_web_conn_on_writable, conn);
    if (conn->readable == NULL || conn->writable == NULL
        || dff_web_conn_wait(conn->readable) != 0)
    {
        dff_web_conn_free(conn);
    }
}


/* Requests that have not come yet are not waited for. */
void
dff_web_leave(dff_api_t *api)
{
    dff_web_conn_t *conn = api->web->connections, *next;

    for ( ; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->state == DFF_WEB_READS_HEAD && conn->scgi.head.len == 0
            && conn->scgi.digits == 0)
        {
            dff_web_conn_free(conn);
        }
    }
}


bool
dff_web_busy(const dff_api_t *api)
{
    return api->web != NULL && api->web->connections != NULL;
}


dff_web_t *
dff_web_new(dff_api_t *api, dff_err_t *err)
{
    dff_web_t *web = calloc(1, sizeof(*web));

    if (web == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    web->api = api;
    web->cors = dff_cors_new(api->cfg, err);
    web->stats = dff_sys_stats_new();
    if (web->stats == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        dff_web_free(web);
        return NULL;
    }
    if (web->cors == NULL || dff_tz_init(&web->tz, api->cfg->timezone, err) != DFF_OK) {
        dff_web_free(web);
        return NULL;
    }
    return web;
}


void
dff_web_free(dff_web_t *web)
{
    if (web == NULL) {
        return;
    }
    while (web->connections != NULL) {
        dff_web_conn_free(web->connections);
    }
    dff_cors_free(web->cors);
    dff_sys_stats_free(web->stats);
    dff_tz_release(&web->tz);
    free(web);
}
