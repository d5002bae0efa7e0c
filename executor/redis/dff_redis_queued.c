/*
 * "QUEUED", what Redis answers to each command of a transaction: most of the answers that
 * the master reads, and all the same. hiredis would allocate three blocks for each and
 * free them; here they are one constant. Runs in the master and the api processes.
 */
#include <string.h>

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

#define DFF_QUEUED      "QUEUED"
#define DFF_QUEUED_LEN  (sizeof(DFF_QUEUED) - 1)

/* hiredis hands replies around as void *; nobody writes to them. */
static const redisReply dff_redis_queued = {
    .type = REDIS_REPLY_STATUS,
    .str = (char *) (uintptr_t) DFF_QUEUED,
    .len = DFF_QUEUED_LEN,
};

static void *
dff_redis_create_string(const redisReadTask *task, char *text, size_t len)
{
    dff_redis_link_t *link = task->privdata;

    if (task->type == REDIS_REPLY_ERROR && task->parent == NULL)
        dff_redis_moved_error(link, text, len);
    if (task->type == REDIS_REPLY_STATUS && task->parent == NULL && len == DFF_QUEUED_LEN
        && memcmp(text, DFF_QUEUED, len) == 0)
        return (void *) (uintptr_t) &dff_redis_queued;
    return link->create_string(task, text, len);
}

static void
dff_redis_free_reply(void *reply)
{
    if (reply != &dff_redis_queued)
        freeReplyObject(reply);
}

void
dff_redis_share_queued(dff_redis_link_t *link)
{
    redisReader *reader = link->ac->c.reader;

    link->objects = *reader->fn;
    link->create_string = link->objects.createString;
    link->objects.createString = dff_redis_create_string;
    link->objects.freeObject = dff_redis_free_reply;
    reader->fn = &link->objects;
    reader->privdata = link;
}
