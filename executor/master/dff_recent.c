/* Replies of the last seconds, for producers that lost them. Runs in the master. */
#include "dff_recent.h"

#include <stdlib.h>
#include <string.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_RECENT_CHAINS  8192u        /* a power of two */

TAILQ_HEAD(dff_recent_line_s, dff_answer_s);

struct dff_recent_s {
    dff_master_t             *master;
    struct dff_recent_line_s  line;      /* oldest first */
    dff_answer_t             *chains[DFF_RECENT_CHAINS];
    size_t                    bytes, max_bytes;
};

dff_recent_t *
dff_recent_new(dff_master_t *master, size_t max_bytes)
{
    dff_recent_t *recent = calloc(1, sizeof(*recent));

    if (recent == NULL)
        return NULL;
    recent->master = master;
    recent->max_bytes = max_bytes;
    TAILQ_INIT(&recent->line);
    return recent;
}

/* Task ids are random: their last bytes are hash enough. */
static unsigned
dff_recent_chain(dff_str_t id)
{
    unsigned hash = 0;

    memcpy(&hash, id.data + (id.len >= sizeof(hash) ? id.len - sizeof(hash) : 0),
           id.len >= sizeof(hash) ? sizeof(hash) : id.len);
    return (hash * 2654435761u) >> (32 - 13);
}

static size_t
dff_recent_size(const dff_answer_t *answer)
{
    return sizeof(*answer) + answer->reply.len + answer->id.len + answer->producer.len
           + answer->cache_key.len + answer->envelope.len + answer->record.len;
}

static dff_answer_t *
dff_recent_take_oldest(dff_recent_t *recent)
{
    dff_answer_t  *answer = TAILQ_FIRST(&recent->line);
    dff_answer_t **at = &recent->chains[dff_recent_chain(answer->id)];

    while (*at != answer)
        at = &(*at)->next;
    *at = answer->next;
    TAILQ_REMOVE(&recent->line, answer, line);
    recent->bytes -= dff_recent_size(answer);
    return answer;
}

void
dff_recent_free(dff_recent_t *recent)
{
    if (recent == NULL)
        return;
    while (!TAILQ_EMPTY(&recent->line))
        free(dff_recent_take_oldest(recent));
    free(recent);
}

void
dff_recent_add(dff_recent_t *recent, dff_answer_t *answer)
{
    unsigned chain = dff_recent_chain(answer->id);

    answer->next = recent->chains[chain];
    recent->chains[chain] = answer;
    TAILQ_INSERT_TAIL(&recent->line, answer, line);
    recent->bytes += dff_recent_size(answer);
    while (recent->bytes > recent->max_bytes)
        free(dff_recent_take_oldest(recent));
}

void
dff_recent_expire(dff_recent_t *recent, int64_t max_ms)
{
    int64_t       oldest_ms = dff_time_monotonic_ms() - max_ms;
    dff_answer_t *answer;

    while ((answer = TAILQ_FIRST(&recent->line)) != NULL && answer->at_ms < oldest_ms)
        free(dff_recent_take_oldest(recent));
}

void
dff_recent_move(dff_recent_t *to, dff_recent_t *from)
{
    while (!TAILQ_EMPTY(&from->line))
        dff_recent_add(to, dff_recent_take_oldest(from));
}

const dff_answer_t *
dff_recent_find(const dff_recent_t *recent, dff_str_t id)
{
    const dff_answer_t *answer = recent->chains[dff_recent_chain(id)];

    while (answer != NULL && !dff_str_eq(answer->id, id))
        answer = answer->next;
    return answer;
}

static void
dff_recent_push(dff_recent_t *recent, const dff_answer_t *answer)
{
    dff_key_t   key;
    size_t      key_len = dff_key_reply(key, answer->producer);
    const char *push[] = { "LPUSH", key, answer->reply.data };
    size_t      push_len[] = { 5, key_len, answer->reply.len };
    const char *expire[] = { "EXPIRE", key, DFF_REPLY_KEEP_S };
    size_t      expire_len[] = { 6, key_len, sizeof(DFF_REPLY_KEEP_S) - 1 };

    /* Nobody waits for the acknowledgments: a producer that misses it again asks
     * again. */
    (void) dff_redis_link_command(recent->master->command, NULL, NULL, 3, push, push_len);
    (void) dff_redis_link_command(recent->master->command, NULL, NULL, 3, expire, expire_len);
}

static dff_str_t
dff_recent_word(dff_str_t *text)
{
    dff_str_t   word;
    const char *space;

    while (text->len > 0 && text->data[0] == ' ') {
        text->data++;
        text->len--;
    }
    space = text->len > 0 ? memchr(text->data, ' ', text->len) : NULL;
    word = (dff_str_t) { text->data, space == NULL ? text->len : (size_t) (space - text->data) };
    text->data += word.len;
    text->len -= word.len;
    return word;
}

void
dff_recent_reask(dff_recent_t *recent, dff_str_t text)
{
    dff_str_t           producer = dff_recent_word(&text), id;
    const dff_answer_t *answer;

    while ((id = dff_recent_word(&text)).len > 0) {
        answer = dff_recent_find(recent, id);
        if (answer != NULL && dff_str_eq(answer->producer, producer))
            dff_recent_push(recent, answer);
    }
}
