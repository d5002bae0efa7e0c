/* What counts as progress of a connection on which no answer comes: see dff_redis_link.h. */
#include "dff_redis_internal.h"

#include "dff_banned.h"

#define DFF_REDIS_PROGRESS (16u << 10)      /* bytes of a long reply that count as one */

void
dff_redis_heard(dff_redis_link_t *link)
{
    if (link->ac == NULL)
        return;
    if (link->ac->c.reader->len < link->seen)
        link->seen = 0;
    if (link->ac->replies.head == NULL)
        link->out.large = 0;
}

bool
dff_redis_link_progresses(dff_redis_link_t *link)
{
    size_t before = link->seen;

    if (link->ac == NULL)
        return false;
    link->seen = link->ac->c.reader->len;
    return dff_redis_out_moves(&link->ac->c, &link->out)
           || link->seen >= before + DFF_REDIS_PROGRESS;
}
