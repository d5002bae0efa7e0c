/*
 * A connection that stands and leads to yesterday's server: the one before a failover, which
 * goes on answering. Where the address leads now only a new connection tells, so such a one is
 * left. It shows in two ways: the server says that it is a replica now, or another connection
 * that was made later has found another server (its run_id). Two servers at a time would be
 * worse than none: a job claimed from the one would be started at the other. Runs in the master
 * and the api processes.
 */
#include <string.h>

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

/* First words of what a server says that was the master. */
static const dff_str_t dff_redis_moved_words[] = {
    { "READONLY", 8 },
    { "UNBLOCKED", 9 },       /* is becoming a replica */
    { "MASTERDOWN", 10 },
};

void
dff_redis_moved_error(dff_redis_link_t *link, const char *text, size_t len)
{
    size_t i;

    /* The greeting has its own eyes. */
    if (link->state != DFF_LINK_READY)
        return;
    for (i = 0; i < sizeof(dff_redis_moved_words) / sizeof(dff_redis_moved_words[0]); i++) {
        const dff_str_t *word = &dff_redis_moved_words[i];

        if (len >= word->len && memcmp(text, word->data, word->len) == 0)
            link->moved = true;
    }
}

bool
dff_redis_link_moved(const dff_redis_link_t *link)
{
    return link->moved && link->state == DFF_LINK_READY;
}

void
dff_redis_moved_ready(dff_redis_link_t *link)
{
    dff_redis_link_t *other, *next;

    for (other = TAILQ_FIRST(&link->redis->links); other != NULL; other = next) {
        next = TAILQ_NEXT(other, all);
        if (other->state != DFF_LINK_READY || strcmp(other->run_id, link->run_id) == 0)
            continue;
        dff_redis_link_drop(other, "Redis is another server now");
    }
}
