/*
 * The names of Redis keys. Runs in every process.
 */
#include "dff_keys.h"

#include "dff_banned.h"

static size_t
dff_key_add(dff_key_t key, size_t at, dff_str_t part)
{
    size_t room = DFF_KEY_MAX - 1 - at;

    if (part.len > room)
        part.len = room;
    if (part.len > 0)
        memcpy(key + at, part.data, part.len);
    at += part.len;
    key[at] = '\0';
    return at;
}

static size_t
dff_key_join(dff_key_t key, dff_str_t name, dff_str_t part)
{
    return dff_key_add(key, dff_key_add(key, 0, name), part);
}

size_t
dff_key_queue(dff_key_t key, int queue)
{
    char digit = (char) ('0' + queue % 10);

    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "queue:"), (dff_str_t) { &digit, 1 });
}

size_t
dff_key_queue_at(dff_key_t key, int queue, dff_str_t node)
{
    size_t at = dff_key_queue(key, queue);

    if (node.len == 0)
        return at;
    at = dff_key_add(key, at, DFF_STR("@"));
    return dff_key_add(key, at, node);
}

size_t
dff_key_wake(dff_key_t key, dff_str_t node)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "wake:"), node);
}

size_t
dff_key_claimed(dff_key_t key, dff_str_t node)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "claimed:"), node);
}

size_t
dff_key_started(dff_key_t key, dff_str_t node)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "started:"), node);
}

size_t
dff_key_node(dff_key_t key, dff_str_t node)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "node:"), node);
}

size_t
dff_key_reply(dff_key_t key, dff_str_t producer)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "reply:"), producer);
}

size_t
dff_key_result(dff_key_t key, dff_str_t task_id)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "result:"), task_id);
}

size_t
dff_key_attempts(dff_key_t key, dff_str_t task_id)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "attempts:"), task_id);
}

size_t
dff_key_route(dff_key_t key, const char *kind, dff_str_t id)
{
    size_t at = dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "route:"), dff_str_from(kind));

    at = dff_key_add(key, at, DFF_STR(":"));
    return dff_key_add(key, at, id);
}
