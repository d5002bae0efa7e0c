/* The change channel. Runs in the master. */
#include "dff_changes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dff_time.h"

#include "master/dff_node_claim.h"
#include "master/dff_published.h"
#include "master/dff_recent.h"

#include "dff_banned.h"

#define DFF_CHANGES_ASK_MS    5000
#define DFF_CHANGES_DEAD_MS  12000

struct dff_changes_s {
    dff_master_t     *master;
    dff_redis_link_t *link;
    int64_t           asked_ms, heard_ms;     /* monotonic */
    long long         announced;              /* script messages */
    long long         version, base;          /* scripts:version; version - announced */
    bool              has_base, behind;
};

static void dff_changes_subscribe(dff_changes_t *changes);

/* --- messages ------------------------------------------------------------- */

static void
dff_changes_script(dff_changes_t *changes, dff_str_t words)
{
    const char *space = words.len > 0 ? memchr(words.data, ' ', words.len) : NULL;

    changes->announced++;
    if (space != NULL)
        words.len = (size_t) (space - words.data);
    dff_published_changed(changes->master->published, words);
}

static void
dff_changes_flush(dff_changes_t *changes, dff_str_t words)
{
    (void) words;
    dff_published_flush(changes->master->published);
}

static void
dff_changes_reask(dff_changes_t *changes, dff_str_t words)
{
    dff_recent_reask(changes->master->recent, words);
    dff_recent_reask(changes->master->former, words);
}

static void
dff_changes_wake(dff_changes_t *changes, dff_str_t words)
{
    dff_node_claim_wake(changes->master->node_claim, words);
}

static const struct {
    dff_str_t verb;
    void    (*handle)(dff_changes_t *changes, dff_str_t words);
} dff_changes_verbs[] = {
    { { "script", 6 }, dff_changes_script },
    { { "flush", 5 },  dff_changes_flush },
    { { "reask", 5 },  dff_changes_reask },
    { { "wake", 4 },   dff_changes_wake },
};

static void
dff_changes_message(dff_changes_t *changes, dff_str_t text)
{
    const char *space = text.len > 0 ? memchr(text.data, ' ', text.len) : NULL;
    dff_str_t   verb = text, words = DFF_STR("");
    size_t      i;

    if (space != NULL) {
        verb.len = (size_t) (space - text.data);
        words = (dff_str_t) { space + 1, text.len - verb.len - 1 };
    }
    for (i = 0; i < sizeof(dff_changes_verbs) / sizeof(dff_changes_verbs[0]); i++) {
        if (dff_str_eq(verb, dff_changes_verbs[i].verb)) {
            dff_changes_verbs[i].handle(changes, words);
            return;
        }
    }
}

/* --- the subscription ----------------------------------------------------- */

static void
dff_changes_on_message(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_changes_t *changes = data;
    redisReply    *reply = reply_ptr;

    (void) ac;
    if (reply == NULL)
        return;
    changes->heard_ms = dff_time_monotonic_ms();
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3
        && reply->element[0]->type == REDIS_REPLY_STRING
        && strcasecmp(reply->element[0]->str, "message") == 0
        && reply->element[2]->type == REDIS_REPLY_STRING)
        dff_changes_message(changes, (dff_str_t) { reply->element[2]->str,
                                                   (size_t) reply->element[2]->len });
}

static void
dff_changes_subscribe(dff_changes_t *changes)
{
    dff_key_t   wake;
    const char *argv[] = { "SUBSCRIBE", DFF_CHANNEL_CHANGED, wake };

    (void) dff_key_wake(wake, dff_master_node(changes->master));
    changes->asked_ms = dff_time_monotonic_ms();
    (void) dff_redis_link_command(changes->link, dff_changes_on_message, changes, 3, argv, NULL);
}

static void
dff_changes_ready(void *ctx)
{
    dff_changes_t *changes = ctx;

    changes->heard_ms = dff_time_monotonic_ms();
    dff_changes_subscribe(changes);
    dff_published_flush(changes->master->published);
    changes->has_base = false;
}

dff_changes_t *
dff_changes_new(dff_master_t *master)
{
    dff_changes_t        *changes = calloc(1, sizeof(*changes));
    dff_redis_link_conf_t conf = { .name = "changes", .ready = dff_changes_ready, .ctx = changes };

    if (changes == NULL)
        return NULL;
    changes->master = master;
    changes->link = dff_redis_link_new(master->redis, &conf);
    if (changes->link == NULL) {
        free(changes);
        return NULL;
    }
    return changes;
}

void
dff_changes_free(dff_changes_t *changes)
{
    if (changes == NULL)
        return;
    dff_redis_link_free(changes->link);
    free(changes);
}

/* hiredis cannot PING while subscribed; to subscribe again is answered as well. */
void
dff_changes_watch(dff_changes_t *changes)
{
    int64_t now_ms = dff_time_monotonic_ms();

    if (!dff_redis_link_ready(changes->link))
        return;
    if (now_ms - changes->heard_ms > DFF_CHANGES_DEAD_MS)
        dff_redis_link_drop(changes->link, "no answer to SUBSCRIBE in time");
    else if (now_ms - changes->asked_ms >= DFF_CHANGES_ASK_MS)
        dff_changes_subscribe(changes);
}

void
dff_changes_scripts_version(dff_changes_t *changes, long long version)
{
    long long base = version - changes->announced;

    changes->version = version;
    if (!changes->has_base || base < changes->base) {
        changes->base = base;
        changes->has_base = true;
        changes->behind = false;
        return;
    }
    if (base == changes->base) {
        changes->behind = false;
        return;
    }
    /* Once is a message that is still on its way. */
    if (!changes->behind) {
        changes->behind = true;
        return;
    }
    dff_log_warn(&changes->master->log, NULL, "scripts were published without a message on "
                 "%s; all are read again", DFF_CHANNEL_CHANGED);
    dff_published_flush(changes->master->published);
    changes->base = base;
    changes->behind = false;
}

long long
dff_changes_last_version(const dff_changes_t *changes)
{
    return changes->version;
}
