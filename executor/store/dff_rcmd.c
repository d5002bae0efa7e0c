/*
 * Synchronous Redis commands. Runs in dffctl and the api processes.
 */
#include "store/dff_rcmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_RCMD_CONNECT_TIMEOUT_S  3
#define DFF_RCMD_TIMEOUT_S          5
#define DFF_RCMD_VERSION_MIN        4

struct dff_rcmd_s {
    const dff_config_t *cfg;
    redisContext       *ctx;
    size_t              pending;       /* appended, reply not taken */
    bool                in_multi;
    bool                moved;         /* the server is a replica now: where its master is
                                          only a new connection tells */
    struct timeval      connect_timeout, timeout;
    int                 retry_ms;
    int64_t             retry_at_ms;       /* monotonic: not before, see patience */
    dff_err_t           away;              /* why it could not connect */
    char                version[32];
};


static int
dff_rcmd_fail(dff_rcmd_t *rcmd, const char *what, const char *text, dff_err_t *err)
{
    const dff_config_t *cfg = rcmd->cfg;

    if (cfg->redis_socket[0] != '\0') {
        return dff_err_set(err, DFF_E_SYS_CACHE, "Redis at %s: %s%s", cfg->redis_socket, what,
                           text);
    }
    return dff_err_set(err, DFF_E_SYS_CACHE, "Redis at %s:%lld: %s%s", cfg->redis_host,
                       (long long) cfg->redis_port, what, text);
}


static void
dff_rcmd_close(dff_rcmd_t *rcmd)
{
    if (rcmd->ctx != NULL) {
        redisFree(rcmd->ctx);
        rcmd->ctx = NULL;
    }
    rcmd->pending = 0;
    rcmd->in_multi = rcmd->moved = false;
}


/* The connection failed: its text goes into err, and it is closed. */
static int
dff_rcmd_lost(dff_rcmd_t *rcmd, dff_err_t *err)
{
    (void) dff_rcmd_fail(rcmd, "", rcmd->ctx->err == REDIS_ERR_IO ? "connection lost or timed out"
                                                                  : rcmd->ctx->errstr, err);
    dff_rcmd_close(rcmd);
    return DFF_ERROR;
}


dff_rcmd_t *
dff_rcmd_new(const dff_config_t *cfg)
{
    dff_rcmd_t *rcmd = calloc(1, sizeof(*rcmd));

    if (rcmd != NULL) {
        rcmd->cfg = cfg;
        rcmd->connect_timeout.tv_sec = DFF_RCMD_CONNECT_TIMEOUT_S;
        rcmd->timeout.tv_sec = DFF_RCMD_TIMEOUT_S;
    }
    return rcmd;
}


void
dff_rcmd_set_patience(dff_rcmd_t *rcmd, int timeout_ms, int retry_ms)
{
    rcmd->timeout = (struct timeval) { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    rcmd->connect_timeout = rcmd->timeout;
    rcmd->retry_ms = retry_ms;
}


void
dff_rcmd_free(dff_rcmd_t *rcmd)
{
    if (rcmd != NULL) {
        dff_rcmd_close(rcmd);
        free(rcmd);
    }
}


/* The value behind "name:" in an INFO text, cut at the line's end. */
static void
dff_rcmd_info(char *out, size_t size, const char *info, const char *name)
{
    const char *at = strstr(info, name);
    size_t      len;

    out[0] = '\0';
    if (at == NULL) {
        return;
    }
    at += strlen(name);
    len = strcspn(at, "\r\n");
    if (len >= size) {
        len = size - 1;
    }
    memcpy(out, at, len);
    out[len] = '\0';
}


static int
dff_rcmd_check_server(dff_rcmd_t *rcmd, dff_err_t *err)
{
    redisReply *reply;
    char        mode[16];

    reply = dff_rcmd_run(rcmd, err, "INFO server");
    if (reply == NULL) {
        return DFF_ERROR;
    }
    if (reply->type != REDIS_REPLY_STRING) {
        freeReplyObject(reply);
        return dff_rcmd_fail(rcmd, "INFO server: ", "unexpected reply", err);
    }
    dff_rcmd_info(mode, sizeof(mode), reply->str, "redis_mode:");
    dff_rcmd_info(rcmd->version, sizeof(rcmd->version), reply->str, "redis_version:");
    freeReplyObject(reply);

    if (strcmp(mode, "cluster") == 0) {
        return dff_rcmd_fail(rcmd, "runs in cluster mode, which is not supported: ",
                             "use a single instance (with Sentinel for availability)", err);
    }
    if (strtol(rcmd->version, NULL, 10) < DFF_RCMD_VERSION_MIN) {
        return dff_rcmd_fail(rcmd, "4.0 or later is needed, this is ", rcmd->version, err);
    }
    return DFF_OK;
}


static int
dff_rcmd_hello(dff_rcmd_t *rcmd, dff_err_t *err)
{
    const dff_config_t *cfg = rcmd->cfg;
    int                 rc = DFF_OK;

    if (cfg->redis_user[0] != '\0') {
        rc = dff_rcmd_do(rcmd, err, "AUTH %s %s", cfg->redis_user, cfg->redis_password);
    } else if (cfg->redis_password[0] != '\0') {
        rc = dff_rcmd_do(rcmd, err, "AUTH %s", cfg->redis_password);
    }
    if (rc == DFF_OK) {
        rc = dff_rcmd_check_server(rcmd, err);      /* a cluster refuses SELECT: say why */
    }
    if (rc == DFF_OK && cfg->redis_database != 0) {
        rc = dff_rcmd_do(rcmd, err, "SELECT %lld", (long long) cfg->redis_database);
    }
    if (rc != DFF_OK) {
        dff_rcmd_close(rcmd);
    }
    return rc;
}


static int
dff_rcmd_open(dff_rcmd_t *rcmd, dff_err_t *err)
{
    const dff_config_t *cfg = rcmd->cfg;

    if (cfg->redis_use_tls) {
        return dff_rcmd_fail(rcmd, "", "REDIS_USE_TLS is not supported by this build", err);
    }

    rcmd->ctx = cfg->redis_socket[0] != '\0'
        ? redisConnectUnixWithTimeout(cfg->redis_socket, rcmd->connect_timeout)
        : redisConnectWithTimeout(cfg->redis_host, (int) cfg->redis_port,
                                  rcmd->connect_timeout);
    if (rcmd->ctx == NULL) {
        return dff_rcmd_fail(rcmd, "", "out of memory", err);
    }
    if (rcmd->ctx->err != 0) {
        (void) dff_rcmd_fail(rcmd, "", rcmd->ctx->errstr, err);
        dff_rcmd_close(rcmd);
        return DFF_ERROR;
    }
    if (redisSetTimeout(rcmd->ctx, rcmd->timeout) != REDIS_OK) {
        return dff_rcmd_lost(rcmd, err);
    }
    return dff_rcmd_hello(rcmd, err);
}


int
dff_rcmd_connect(dff_rcmd_t *rcmd, dff_err_t *err)
{
    if (rcmd->moved && rcmd->pending == 0 && !rcmd->in_multi) {
        dff_rcmd_close(rcmd);
    }
    if (rcmd->ctx != NULL) {
        return DFF_OK;
    }
    if (rcmd->retry_at_ms > dff_time_monotonic_ms()) {
        return dff_err_set(err, rcmd->away.reason, "%s", rcmd->away.message);
    }
    if (dff_rcmd_open(rcmd, &rcmd->away) != DFF_OK) {
        rcmd->retry_at_ms = dff_time_monotonic_ms() + rcmd->retry_ms;
        return dff_err_set(err, rcmd->away.reason, "%s", rcmd->away.message);
    }
    return DFF_OK;
}


const char *
dff_rcmd_server_version(const dff_rcmd_t *rcmd)
{
    return rcmd->version;
}


static int
dff_rcmd_vappend(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, va_list args)
{
    if (dff_rcmd_connect(rcmd, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (redisvAppendCommand(rcmd->ctx, format, args) != REDIS_OK) {
        return dff_rcmd_lost(rcmd, err);
    }
    rcmd->pending++;
    return DFF_OK;
}


int
dff_rcmd_append(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...)
{
    va_list args;
    int     rc;

    va_start(args, format);
    rc = dff_rcmd_vappend(rcmd, err, format, args);
    va_end(args);
    return rc;
}


/* The next reply, an error reply as well. */
static redisReply *
dff_rcmd_take(dff_rcmd_t *rcmd, dff_err_t *err)
{
    void       *raw = NULL;
    redisReply *reply;

    if (rcmd->ctx == NULL || rcmd->pending == 0) {
        (void) dff_rcmd_fail(rcmd, "", "connection lost", err);
        return NULL;
    }
    if (redisGetReply(rcmd->ctx, &raw) != REDIS_OK) {
        (void) dff_rcmd_lost(rcmd, err);
        return NULL;
    }
    rcmd->pending--;
    reply = raw;
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "READONLY", 8) == 0) {
        rcmd->moved = true;
    }
    return reply;
}


redisReply *
dff_rcmd_next(dff_rcmd_t *rcmd, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_take(rcmd, err);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        (void) dff_rcmd_fail(rcmd, "", reply->str, err);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}


int
dff_rcmd_finish(dff_rcmd_t *rcmd, dff_err_t *err)
{
    int rc = DFF_OK;

    while (rcmd->pending > 0) {
        redisReply *reply = dff_rcmd_next(rcmd, rc == DFF_OK ? err : NULL);

        if (reply == NULL) {
            rc = DFF_ERROR;
        } else {
            freeReplyObject(reply);
        }
    }
    return rc;
}


redisReply *
dff_rcmd_run(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...)
{
    va_list args;
    int     rc;

    va_start(args, format);
    rc = dff_rcmd_vappend(rcmd, err, format, args);
    va_end(args);
    return rc == DFF_OK ? dff_rcmd_next(rcmd, err) : NULL;
}


redisReply *
dff_rcmd_run_words(dff_rcmd_t *rcmd, const dff_str_t *words, size_t count, dff_err_t *err)
{
    const char **argv = malloc(count * sizeof(*argv));
    size_t      *lens = malloc(count * sizeof(*lens));
    redisReply  *reply = NULL;

    if (argv == NULL || lens == NULL) {
        (void) dff_rcmd_fail(rcmd, "", "out of memory", err);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        argv[i] = words[i].data == NULL ? "" : words[i].data;
        lens[i] = words[i].len;
    }
    if (dff_rcmd_connect(rcmd, err) != DFF_OK) {
        goto done;
    }
    if (redisAppendCommandArgv(rcmd->ctx, (int) count, argv, lens) != REDIS_OK) {
        (void) dff_rcmd_lost(rcmd, err);
        goto done;
    }
    rcmd->pending++;
    reply = dff_rcmd_take(rcmd, err);

done:
    free(argv);
    free(lens);
    return reply;
}


int
dff_rcmd_do(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...)
{
    redisReply *reply = NULL;
    va_list     args;

    va_start(args, format);
    if (dff_rcmd_vappend(rcmd, err, format, args) == DFF_OK) {
        reply = dff_rcmd_next(rcmd, err);
    }
    va_end(args);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    freeReplyObject(reply);
    return DFF_OK;
}


int
dff_rcmd_multi(dff_rcmd_t *rcmd, dff_err_t *err)
{
    if (rcmd->pending > 0 || rcmd->in_multi) {
        return dff_rcmd_fail(rcmd, "MULTI inside a pipeline", "", err);
    }
    if (dff_rcmd_append(rcmd, err, "MULTI") != DFF_OK) {
        return DFF_ERROR;
    }
    rcmd->in_multi = true;
    return DFF_OK;
}


int
dff_rcmd_exec(dff_rcmd_t *rcmd, dff_err_t *err)
{
    redisReply *reply;
    int         rc = DFF_OK;

    if (!rcmd->in_multi) {
        return dff_rcmd_fail(rcmd, "", "connection lost", err);
    }
    if (dff_rcmd_append(rcmd, err, "EXEC") != DFF_OK) {
        return DFF_ERROR;
    }
    rcmd->in_multi = false;

    /* A command that is refused while queueing makes EXEC refuse the whole; its
     * own error is the one to tell. */
    while (rcmd->pending > 1) {
        reply = dff_rcmd_next(rcmd, rc == DFF_OK ? err : NULL);
        if (reply == NULL) {
            rc = DFF_ERROR;
            continue;
        }
        freeReplyObject(reply);
    }
    if (rcmd->ctx == NULL) {
        return dff_err_wrap(err, "EXEC: it is not known whether the changes were made");
    }

    reply = dff_rcmd_next(rcmd, rc == DFF_OK ? err : NULL);
    if (reply == NULL) {
        return rcmd->ctx != NULL
            ? DFF_ERROR
            : dff_err_wrap(err, "EXEC: it is not known whether the changes were made");
    }
    for (size_t i = 0; rc == DFF_OK && i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR) {
            rc = dff_rcmd_fail(rcmd, "in a transaction: ", reply->element[i]->str, err);
        }
    }
    freeReplyObject(reply);
    return rc;
}


void
dff_rcmd_abandon(dff_rcmd_t *rcmd)
{
    /* hiredis may have sent a part already, so only closing is certain. */
    if (rcmd->pending > 0 || rcmd->in_multi) {
        dff_rcmd_close(rcmd);
    }
}


int
dff_rcmd_brpop(dff_rcmd_t *rcmd, const char *key, int wait_s, redisReply **reply, dff_err_t *err)
{
    struct timeval longer = { rcmd->timeout.tv_sec + wait_s, rcmd->timeout.tv_usec };

    *reply = NULL;
    if (dff_rcmd_connect(rcmd, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (redisSetTimeout(rcmd->ctx, longer) != REDIS_OK) {
        return dff_rcmd_lost(rcmd, err);
    }
    *reply = dff_rcmd_run(rcmd, err, "BRPOP %s %d", key, wait_s);
    if (*reply == NULL) {
        return DFF_ERROR;
    }
    if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements != 2
        || (*reply)->element[1]->type != REDIS_REPLY_STRING)
    {
        freeReplyObject(*reply);        /* nil: nothing came in time */
        *reply = NULL;
    }
    return redisSetTimeout(rcmd->ctx, rcmd->timeout) == REDIS_OK ? DFF_OK
                                                                 : dff_rcmd_lost(rcmd, err);
}
