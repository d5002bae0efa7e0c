/*
 * The greeting of a new connection: AUTH, SELECT and INFO are sent together, and
 * the reply of INFO, the last one, decides. Runs in the master and the api processes.
 */
#include <string.h>

#include "dff_time.h"

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

static void
dff_link_on_auth(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;

    (void) ac;
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
        return;

    if (link->redis->user[0] != '\0' && strstr(reply->str, "wrong number of arguments") != NULL) {
        link->redis->plain_auth = link->again = true;
        return;
    }
    /* A password for a server that wants none is harmless. */
    if (strstr(reply->str, "no password is set") != NULL
        || strstr(reply->str, "without any password configured") != NULL)
        return;
    (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "REDIS_USER, REDIS_PASSWORD refused: %s",
                       reply->str);
}

static void
dff_link_on_select(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR
        && link->err.reason == DFF_REASON_NONE)
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "SELECT %d: %s", link->redis->database,
                           reply->str);
}

static void
dff_link_on_client_id(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    redisReply *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)      /* Redis 5 and later */
        ((dff_redis_link_t *) data)->client_id = reply->integer;
}

static void
dff_link_on_info(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;
    const char       *not_now = NULL;

    if (reply == NULL)
        return;

    if (link->again) {
        redisAsyncFree(ac);
        return;
    }
    if (link->err.reason == DFF_REASON_NONE && reply->type == REDIS_REPLY_ERROR)
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "INFO: %s", reply->str);
    if (link->err.reason == DFF_REASON_NONE)
        (void) dff_redis_check_info((dff_str_t) { reply->str, (size_t) reply->len },
                                    link->run_id, &not_now, &link->err);

    if (link->err.reason != DFF_REASON_NONE) {
        if (strncmp(link->err.message, "INFO: LOADING", 13) != 0)
            link->redis->refused(link->redis->ctx, &link->err);
        redisAsyncFree(ac);
        return;
    }
    if (not_now != NULL) {
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "%s", not_now);
        redisAsyncFree(ac);
        return;
    }

    link->state = DFF_LINK_READY;
    link->evicts = dff_redis_info_evicts((dff_str_t) { reply->str, (size_t) reply->len });
    link->ready_ms = dff_time_monotonic_ms();
    link->moved = false;
    (void) evtimer_del(link->timer);
    dff_redis_moved_ready(link);
    if ((link->ac->c.flags & REDIS_FREEING) != 0)
        return;                 /* its owner has lost another one by that, and leaves this one */
    dff_redis_log_up(link->redis);
    link->conf.ready(link->conf.ctx);
}

void
dff_redis_greet(dff_redis_link_t *link)
{
    dff_redis_t *redis = link->redis;
    int          rc = REDIS_OK;

    /* A command that is not even buffered (no memory) ends in the deadline: this
     * runs inside hiredis's connect callback, where nothing may be freed. */
    if (redis->port != 0)
        (void) redisEnableKeepAlive(&link->ac->c);     /* an optimisation only */

    if (redis->password[0] != '\0') {
        if (redis->user[0] != '\0' && !redis->plain_auth)
            rc |= redisAsyncCommand(link->ac, dff_link_on_auth, link, "AUTH %s %s", redis->user,
                                    redis->password);
        else
            rc |= redisAsyncCommand(link->ac, dff_link_on_auth, link, "AUTH %s",
                                    redis->password);
    }
    rc |= redisAsyncCommand(link->ac, dff_link_on_select, link, "SELECT %d", redis->database);
    if (link->conf.client != NULL)
        rc |= redisAsyncCommand(link->ac, NULL, NULL, "CLIENT SETNAME %s", link->conf.client);
    else
        rc |= redisAsyncCommand(link->ac, NULL, NULL, "CLIENT SETNAME dff-executor-%s",
                                link->name);
    rc |= redisAsyncCommand(link->ac, dff_link_on_client_id, link, "CLIENT ID");
    rc |= redisAsyncCommand(link->ac, dff_link_on_info, link, "INFO");
    if (rc != REDIS_OK)
        (void) dff_err_set(&link->err, DFF_E_SYS, "out of memory");
}
