/* Jobs that are to run later: see the header. */
#include "dff_delayed.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_time.h"

#include "master/dff_recovery.h"

#include "dff_banned.h"

#define DFF_DELAYED_EVERY_MS  200
#define DFF_DELAYED_STEP      100     /* jobs moved by one script: bounds the time it holds Redis */

struct dff_delayed_s {
    dff_master_t *master;
    struct event *timer;
    bool          asking;       /* one script at a time */
    bool          failing;      /* Redis refuses, which is in the log */
};

static void dff_delayed_ask(dff_delayed_t *delayed, dff_lua_form_t form);


static void
dff_delayed_on_moved(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_delayed_t *delayed = data;
    redisReply    *reply = reply_ptr;

    (void) ac;
    delayed->asking = false;
    if (reply == NULL)
        return;
    if (dff_lua_unknown_script(reply)) {
        dff_delayed_ask(delayed, DFF_LUA_TEXT);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        if (!delayed->failing && !dff_redis_link_moved(delayed->master->command))
            dff_log_error(&delayed->master->log, NULL, "moving delayed jobs: %s; tried again "
                          "every %d ms", reply->str, DFF_DELAYED_EVERY_MS);
        delayed->failing = true;
        return;
    }
    delayed->failing = false;
    /* There may be more: they do not wait for the next turn of the timer. */
    if (reply->type == REDIS_REPLY_INTEGER && reply->integer == DFF_DELAYED_STEP)
        dff_delayed_ask(delayed, DFF_LUA_BY_SHA);
}

static void
dff_delayed_ask(dff_delayed_t *delayed, dff_lua_form_t form)
{
    dff_master_t  *master = delayed->master;
    dff_lua_call_t call;
    dff_key_t      prefix;
    char           now[32], count[16];
    int            now_len, count_len;

    if (master->state != DFF_MASTER_SERVING || !dff_redis_link_ready(master->command))
        return;
    now_len = snprintf(now, sizeof(now), "%lld", (long long) dff_time_now_ms());
    count_len = snprintf(count, sizeof(count), "%d", DFF_DELAYED_STEP);

    dff_lua_begin(&call);
    dff_lua_key(&call, DFF_KEY_DELAYED, sizeof(DFF_KEY_DELAYED) - 1);
    dff_lua_key(&call, DFF_KEY_BAD, sizeof(DFF_KEY_BAD) - 1);
    /* The digit is the script's to add. */
    dff_lua_arg(&call, prefix, dff_key_queue(prefix, 0) - 1);
    dff_lua_arg(&call, now, (size_t) now_len);
    dff_lua_arg(&call, count, (size_t) count_len);
    dff_lua_arg(&call, DFF_BAD_KEEP, sizeof(DFF_BAD_KEEP) - 1);
    delayed->asking = dff_lua_run(&master->lua, DFF_LUA_DUE, form, &call, master->command,
                                  dff_delayed_on_moved, delayed) == DFF_OK;
}

static void
dff_delayed_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    dff_delayed_t *delayed = ctx;

    (void) fd;
    (void) what;
    if (!delayed->asking)
        dff_delayed_ask(delayed, DFF_LUA_BY_SHA);
}

dff_delayed_t *
dff_delayed_new(dff_master_t *master)
{
    dff_delayed_t *delayed = calloc(1, sizeof(*delayed));
    struct timeval every = { 0, DFF_DELAYED_EVERY_MS * 1000 };

    if (delayed == NULL)
        return NULL;
    delayed->master = master;
    delayed->timer = event_new(master->base, -1, EV_PERSIST, dff_delayed_on_timer, delayed);
    if (delayed->timer == NULL || event_add(delayed->timer, &every) != 0) {
        dff_delayed_free(delayed);
        return NULL;
    }
    return delayed;
}

void
dff_delayed_free(dff_delayed_t *delayed)
{
    if (delayed == NULL)
        return;
    if (delayed->timer != NULL)
        event_free(delayed->timer);
    free(delayed);
}
