/* Connections of the services socket: see the header. */
#include "api/dff_services.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dff_buf.h"
#include "dff_time.h"

#include "api/dff_service_op.h"

#include "dff_banned.h"

#define DFF_SERVICES_READ   (64u << 10)     /* bytes asked for at once, at least */
#define DFF_SERVICES_SKIP_MAX  (1u << 30)
#define DFF_SERVICES_KEEP   (64u << 10)     /* an idle connection gives more memory back */

typedef struct dff_service_client_s {
    TAILQ_ENTRY(dff_service_client_s) all;
    dff_services_t *services;
    int             fd;
    struct event   *readable, *writable;
    dff_buf_t       in, out;
    size_t          sent;           /* of out */
    size_t          skip;           /* bytes to come of a request that is refused */
    size_t          held;           /* memory of in and out, as counted in services */
    int64_t         due_ms;         /* monotonic: of a request or answer that has begun; 0: none */
    bool            ended;          /* nothing more will come */
} dff_service_client_t;

struct dff_services_s {
    dff_api_t *api;
    uid_t      worker;              /* may connect, besides root */
    size_t     count, held;
    bool       logged;              /* a refusal was */
    TAILQ_HEAD(, dff_service_client_s) all;
};

/* --- one client ------------------------------------------------------------------ */

static void
dff_service_client_free(dff_service_client_t *client)
{
    TAILQ_REMOVE(&client->services->all, client, all);
    client->services->count--;
    client->services->held -= client->held;
    if (client->readable != NULL)
        event_free(client->readable);
    if (client->writable != NULL)
        event_free(client->writable);
    (void) close(client->fd);
    dff_buf_release(&client->in);
    dff_buf_release(&client->out);
    free(client);
}

static void
dff_service_client_count(dff_service_client_t *client)
{
    client->services->held -= client->held;
    client->held = client->in.size + client->out.size;
    client->services->held += client->held;
}

/* Between requests: a large one does not keep its memory. */
static void
dff_service_client_shrink(dff_service_client_t *client)
{
    if (client->in.len == 0 && client->in.size > DFF_SERVICES_KEEP)
        dff_buf_release(&client->in);
    if (client->out.len == 0 && client->out.size > DFF_SERVICES_KEEP)
        dff_buf_release(&client->out);
    dff_service_client_count(client);
}

/* DFF_ERROR: the client is gone. */
static int
dff_service_client_send(dff_service_client_t *client)
{
    ssize_t n;

    while (client->sent < client->out.len) {
        n = send(client->fd, client->out.data + client->sent, client->out.len - client->sent,
                 MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? DFF_OK : DFF_ERROR;
        client->sent += (size_t) n;
    }
    dff_buf_clear(&client->out);
    client->sent = 0;
    return DFF_OK;
}

/* What is left of a request that is refused is read and dropped, so that its sender comes
 * to read why. */
static int
dff_service_client_refuse(dff_service_client_t *client, size_t size, const char *error,
    const char *message)
{
    dff_service_answer_error(&client->out, error, message);
    if (size > DFF_SERVICES_SKIP_MAX)
        return DFF_ERROR;
    client->skip = DFF_SERVICE_HEAD + size - client->in.len;
    dff_buf_clear(&client->in);
    return 1;
}

/* Answers the first frame when it is whole. 1: answered, 0: not whole, DFF_ERROR: what
 * comes cannot be read any more. */
static int
dff_service_client_answer(dff_service_client_t *client)
{
    dff_services_t *services = client->services;
    dff_err_t       err;
    dff_str_t       json;
    size_t          size;
    int             rc = dff_service_frame((dff_str_t) { client->in.data, client->in.len }, &json,
                                           &size, &err);

    if (rc == 1) {
        dff_service_answer(services->api, json, &client->out);
        dff_buf_consume(&client->in, DFF_SERVICE_HEAD + size);
        return dff_buf_failed(&client->out) ? DFF_ERROR : 1;
    }
    if (rc == DFF_ERROR)
        return dff_service_client_refuse(client, size, "InvalidOptionException", err.message);
    if (size > client->in.size && services->held + client->in.len > DFF_SERVICES_HELD_MAX)
        return dff_service_client_refuse(client, size, "ConnectionError", "the services of this "
                                         "node are busy with large requests; try again");
    return 0;
}

static void
dff_service_client_watch(dff_service_client_t *client, struct event *event, struct event *other)
{
    (void) event_del(other);
    if (!event_pending(event, EV_READ | EV_WRITE, NULL) && event_add(event, NULL) != 0)
        dff_service_client_free(client);
}

/* One answer a turn, so that a client with many requests does not keep the others waiting.
 * While an answer is not taken, nothing more is read. */
static void
dff_service_client_turn(dff_service_client_t *client)
{
    int64_t due_ms = dff_time_monotonic_ms() + DFF_SERVICES_IO_S * 1000;
    int     rc = 0;

    if (client->out.len == 0 && client->skip == 0)
        rc = dff_service_client_answer(client);
    if (dff_service_client_send(client) != DFF_OK) {
        dff_service_client_free(client);
        return;
    }
    if (rc == DFF_ERROR) {
        client->ended = true;
        dff_buf_clear(&client->in);
    }
    if (client->out.len > 0 || (rc == 1 && client->in.len > 0)) {
        if (rc != 0)
            client->due_ms = due_ms;
        dff_service_client_count(client);
        dff_service_client_watch(client, client->writable, client->readable);
        return;
    }
    if (client->ended) {
        dff_service_client_free(client);
        return;
    }
    /* The deadline is the whole request's: bytes that trickle do not move it. */
    if (client->in.len == 0 && client->skip == 0)
        client->due_ms = 0;
    else if (client->due_ms == 0 || rc == 1)
        client->due_ms = due_ms;
    dff_service_client_shrink(client);
    dff_service_client_watch(client, client->readable, client->writable);
}

/* Memory follows what was sent, not what a head promises. */
static ssize_t
dff_service_client_read(dff_service_client_t *client)
{
    size_t    size, ask = DFF_SERVICES_READ;
    dff_str_t json;
    char     *at;
    ssize_t   n;

    if (client->skip > 0)
        ask = client->skip < ask ? client->skip : ask;
    else if (dff_service_frame((dff_str_t) { client->in.data, client->in.len }, &json, &size, NULL)
             == 0 && size > client->in.len) {
        ask = client->in.len > ask ? client->in.len : ask;
        if (ask > size + DFF_SERVICE_HEAD - client->in.len)
            ask = size + DFF_SERVICE_HEAD - client->in.len;
    }
    at = dff_buf_reserve(&client->in, ask);
    if (at == NULL)
        return 0;
    n = recv(client->fd, at, ask, 0);
    if (n > 0 && client->skip > 0)
        client->skip -= (size_t) n;
    else if (n > 0)
        client->in.len += (size_t) n;
    return n;
}

static void
dff_service_client_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_service_client_t *client = ctx;
    ssize_t               n = dff_service_client_read(client);

    (void) fd;
    (void) what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        client->ended = true;
    dff_service_client_count(client);
    dff_service_client_turn(client);
}

static void
dff_service_client_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    (void) what;
    dff_service_client_turn(ctx);
}

/* --- all clients -------------------------------------------------------------------- */

static bool
dff_services_may(dff_services_t *services, int fd)
{
    struct ucred peer;
    socklen_t    len = sizeof(peer);
    const char  *why = NULL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        why = "of an unknown user";
    else if (peer.uid != 0 && peer.uid != services->worker)
        why = "of a user that is not _WORKER_USER";
    else if (services->count >= DFF_SERVICES_MAX)
        why = "too many";
    if (why != NULL && !services->logged)
        dff_log_warn(&services->api->log, NULL, "services: a connection %s is refused", why);
    services->logged = why != NULL;
    return why == NULL;
}

void
dff_services_accept(dff_api_t *api, int fd)
{
    dff_services_t       *services = api->services;
    dff_service_client_t *client;

    if (!dff_services_may(services, fd) || (client = calloc(1, sizeof(*client))) == NULL) {
        (void) close(fd);
        return;
    }
    client->services = services;
    client->fd = fd;
    TAILQ_INSERT_TAIL(&services->all, client, all);
    services->count++;
    client->readable = event_new(api->base, fd, EV_READ | EV_PERSIST,
                                 dff_service_client_on_readable, client);
    client->writable = event_new(api->base, fd, EV_WRITE | EV_PERSIST,
                                 dff_service_client_on_writable, client);
    if (client->readable == NULL || client->writable == NULL
        || event_add(client->readable, NULL) != 0)
        dff_service_client_free(client);
}

/* What is in the socket's buffer can still be read. */
void
dff_services_leave(dff_api_t *api)
{
    dff_service_client_t *client;

    TAILQ_FOREACH(client, &api->services->all, all)
        (void) shutdown(client->fd, SHUT_RD);
}

bool
dff_services_busy(const dff_api_t *api)
{
    return api->services->count > 0;
}

void
dff_services_tick(dff_api_t *api)
{
    int64_t               now_ms = dff_time_monotonic_ms();
    dff_service_client_t *client = TAILQ_FIRST(&api->services->all), *next;

    for ( ; client != NULL; client = next) {
        next = TAILQ_NEXT(client, all);
        if (client->due_ms == 0 || now_ms < client->due_ms)
            continue;
        dff_log_info(&api->log, NULL, "services: a connection is closed: %s within %d s",
                     client->out.len > 0 ? "an answer was not taken" : "a request was not whole",
                     DFF_SERVICES_IO_S);
        dff_service_client_free(client);
    }
}

dff_services_t *
dff_services_new(dff_api_t *api, dff_err_t *err)
{
    dff_services_t *services = calloc(1, sizeof(*services));
    struct passwd  *pw = getpwnam(api->cfg->worker_user);

    if (services == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    services->api = api;
    /* Not started by root, workers are the same user as we. */
    services->worker = api->was_root && pw != NULL ? pw->pw_uid : geteuid();
    TAILQ_INIT(&services->all);
    return services;
}

void
dff_services_free(dff_services_t *services)
{
    dff_service_client_t *client;

    if (services == NULL)
        return;
    while ((client = TAILQ_FIRST(&services->all)) != NULL)
        dff_service_client_free(client);
    free(services);
}
