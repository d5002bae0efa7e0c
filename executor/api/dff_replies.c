/* The list that replies come through: see the header. */
#include "api/dff_replies_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_buf.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_REPLIES_STOCK      16       /* BRPOPs outstanding */
#define DFF_REPLIES_LOW         8
/* More than the 3 s that a BRPOP blocks; and so much less than the 10 s for which the masters
 * keep a reply that one lost in a silent link can be asked for when the link is back. */
#define DFF_REPLIES_SILENCE_MS  5000
#define DFF_REPLIES_ASK_BATCH   64      /* task ids in one message */

/* ms between a reconnect and the questions; masters keep a reply for 10 s, and may come
 * back later than we do. */
static const int dff_replies_ask_after_ms[] = { 1, 500, 1000, 2000, 4000 };

bool
dff_replies_busy(const dff_replies_t *replies)
{
    return replies->count > 0;
}

static void
dff_replies_take(dff_replies_t *replies, dff_str_t bytes)
{
    dff_reply_t reply;
    dff_err_t   err;
    dff_wait_t *wait;

    if (dff_reply_decode(bytes, &reply, &err) != DFF_OK) {
        dff_log_error(&replies->api->log, NULL, "a reply was dropped: %s", err.message);
        return;
    }
    wait = dff_wait_find(replies, reply.id);
    if (wait != NULL)
        dff_wait_end(wait, &reply, NULL);
    else
        dff_wait_store(replies, reply.id, bytes, false);
}

static void dff_replies_fill(dff_replies_t *replies);

static void
dff_replies_on_pop(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_replies_t *replies = data;
    redisReply    *reply = reply_ptr, *value;

    (void) ac;
    replies->outstanding--;
    if (reply == NULL)
        return;
    replies->heard_ms = dff_time_monotonic_ms();
    if (reply->type == REDIS_REPLY_ERROR && dff_redis_link_moved(replies->link))
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        /* No busy loop: dff_replies_watch fills again. */
        if (!replies->logged)
            dff_log_error(&replies->api->log, NULL, "BRPOP of replies: %s", reply->str);
        replies->logged = true;
        return;
    }
    replies->logged = false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        value = reply->element[1];
        dff_replies_take(replies, (dff_str_t) { value->str, (size_t) value->len });
    }
    if (replies->outstanding <= DFF_REPLIES_LOW)
        dff_replies_fill(replies);
}

static void
dff_replies_fill(dff_replies_t *replies)
{
    const char *argv[] = { "BRPOP", replies->key, "3" };
    size_t      len[] = { 5, replies->key_len, 1 };

    while (replies->outstanding < DFF_REPLIES_STOCK) {
        if (dff_redis_link_command(replies->link, dff_replies_on_pop, replies, 3, argv, len)
            != DFF_OK)
            return;
        replies->outstanding++;
    }
}

static void
dff_replies_reask_later(dff_replies_t *replies)
{
    const size_t   rounds = sizeof(dff_replies_ask_after_ms) / sizeof(dff_replies_ask_after_ms[0]);
    struct timeval after = { 0, 0 };
    int            ms;

    if (replies->reask_round >= rounds)
        return;
    ms = dff_replies_ask_after_ms[replies->reask_round++];
    after.tv_sec = ms / 1000;
    after.tv_usec = ms % 1000 * 1000;
    (void) evtimer_add(replies->reask, &after);
}

static void
dff_replies_ready(void *ctx)
{
    dff_replies_t *replies = ctx;

    /* Else it would take replies for nobody as long as its BRPOPs last. */
    (void) dff_redis_client_close(&replies->client, replies->link);
    dff_redis_client_note(&replies->client, replies->link);
    replies->outstanding = 0;
    replies->heard_ms = dff_time_monotonic_ms();
    dff_replies_fill(replies);
    if (replies->was_ready) {
        replies->reask_round = 0;
        dff_replies_reask_later(replies);
    }
    replies->was_ready = true;
}

static void
dff_replies_publish(dff_replies_t *replies, dff_buf_t *text)
{
    const char *argv[] = { "PUBLISH", DFF_CHANNEL_CHANGED, text->data };
    size_t      len[] = { 7, sizeof(DFF_CHANNEL_CHANGED) - 1, text->len };

    /* Not sent: the next round will, or the waits end by their deadlines. */
    if (!dff_buf_failed(text))
        (void) dff_redis_link_command(replies->api->command, NULL, NULL, 3, argv, len);
}

/* "reask <producer> <task> <task> …" for everything that still waits. */
static void
dff_replies_on_reask(evutil_socket_t fd, short what, void *ctx)
{
    dff_replies_t *replies = ctx;
    dff_buf_t      text = DFF_BUF_INIT;
    dff_wait_t    *wait;
    size_t         i, n = 0;

    (void) fd;
    (void) what;
    for (i = 0; i < DFF_REPLIES_BUCKETS; i++) {
        LIST_FOREACH(wait, &replies->waits[i], line) {
            if (wait->ended)
                continue;
            if (n == 0)
                dff_buf_addf(&text, "reask %s", replies->producer);
            dff_buf_addf(&text, " %s", wait->task_id);
            if (++n < DFF_REPLIES_ASK_BATCH)
                continue;
            dff_replies_publish(replies, &text);
            dff_buf_clear(&text);
            n = 0;
        }
    }
    if (n > 0)
        dff_replies_publish(replies, &text);
    dff_buf_release(&text);
    dff_replies_reask_later(replies);
}

void
dff_replies_watch(dff_api_t *api)
{
    dff_replies_t *replies = api->replies;

    if (!dff_redis_link_ready(replies->link))
        return;
    if (replies->outstanding > 0
        && dff_time_monotonic_ms() - replies->heard_ms > DFF_REPLIES_SILENCE_MS)
        dff_redis_link_drop(replies->link, "no answer to BRPOP in time");
    else
        dff_replies_fill(replies);
}

/* --- begin and end ----------------------------------------------------------------- */

dff_replies_t *
dff_replies_new(dff_api_t *api)
{
    dff_redis_link_conf_t conf = { .name = "api-replies", .ready = dff_replies_ready };
    dff_replies_t        *replies = calloc(1, sizeof(*replies));

    if (replies == NULL)
        return NULL;
    replies->api = api;
    conf.ctx = replies;
    if (dff_id_make(&api->ids, replies->producer, "api-") == 0)
        goto failed;
    replies->key_len = dff_key_reply(replies->key, dff_str_from(replies->producer));
    replies->reask = evtimer_new(api->base, dff_replies_on_reask, replies);
    if (replies->reask == NULL)
        goto failed;
    replies->link = dff_redis_link_new(api->redis, &conf);
    if (replies->link != NULL)
        return replies;

failed:
    dff_replies_free(replies);
    return NULL;
}

void
dff_replies_free(dff_replies_t *replies)
{
    dff_wait_t *wait;
    size_t      i;

    if (replies == NULL)
        return;
    dff_redis_link_free(replies->link);
    for (i = 0; i < DFF_REPLIES_BUCKETS; i++) {
        while ((wait = LIST_FIRST(&replies->waits[i])) != NULL)
            dff_wait_drop(wait);
    }
    if (replies->reask != NULL)
        event_free(replies->reask);
    free(replies);
}
