/*
 * The names of Redis keys. Runs in every process.
 */
#include "dff_keys.h"

#include <stdio.h>

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
dff_key_nonce(dff_key_t key, dff_str_t nonce)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "nonce:"), nonce);
}

size_t
dff_key_monitor(dff_key_t key, const char *metric)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "monitor:"), dff_str_from(metric));
}

size_t
dff_key_monitor_turn(dff_key_t key, dff_str_t node)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "monitor-turn:"), node);
}

size_t
dff_key_monitor_routes(dff_key_t key, const char *date)
{
    return dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "monitor-routes:"), dff_str_from(date));
}

/* "<name><kind>:<id>" */
static size_t
dff_key_link(dff_key_t key, dff_str_t name, const char *kind, dff_str_t id)
{
    size_t at = dff_key_join(key, name, dff_str_from(kind));

    at = dff_key_add(key, at, DFF_STR(":"));
    return dff_key_add(key, at, id);
}

/* ":<number>" */
static size_t
dff_key_add_number(dff_key_t key, size_t at, int64_t number)
{
    char text[32];

    (void) snprintf(text, sizeof(text), ":%lld", (long long) number);
    return dff_key_add(key, at, dff_str_from(text));
}

size_t
dff_key_route(dff_key_t key, const char *kind, dff_str_t id)
{
    return dff_key_link(key, DFF_STR(DFF_KEY_PREFIX "route:"), kind, id);
}

size_t
dff_key_throttle(dff_key_t key, const char *kind, dff_str_t id, const char *rule, int64_t window)
{
    size_t at = dff_key_link(key, DFF_STR(DFF_KEY_PREFIX "throttle:"), kind, id);

    at = dff_key_add(key, at, DFF_STR(":"));
    at = dff_key_add(key, at, dff_str_from(rule));
    return dff_key_add_number(key, at, window);
}

size_t
dff_key_cache_result(dff_key_t key, dff_str_t func_id, int script_version, dff_str_t digest)
{
    size_t at = dff_key_join(key, DFF_STR(DFF_KEY_PREFIX "cache:result:"), func_id);

    at = dff_key_add_number(key, at, script_version);
    at = dff_key_add(key, at, DFF_STR(":"));
    return dff_key_add(key, at, digest);
}

size_t
dff_key_stat_count(dff_key_t key, const char *kind, dff_str_t id)
{
    return dff_key_link(key, DFF_STR(DFF_KEY_PREFIX "stat:count:"), kind, id);
}

size_t
dff_key_stat_recent(dff_key_t key, const char *kind, dff_str_t id)
{
    return dff_key_link(key, DFF_STR(DFF_KEY_PREFIX "stat:recent:"), kind, id);
}

size_t
dff_key_api(dff_key_t key, dff_key_api_t kind, dff_str_t digest)
{
    static const char *const names[DFF_KEY_API_COUNT] = {
        [DFF_KEY_SESSION] = DFF_KEY_PREFIX "session:",
        [DFF_KEY_CAPTCHA] = DFF_KEY_PREFIX "captcha:",
        [DFF_KEY_SIGN_IN] = DFF_KEY_PREFIX "sign-in:",
        [DFF_KEY_SIGN_IN_WAIT] = DFF_KEY_PREFIX "sign-in-wait:",
        [DFF_KEY_AK_NONCE] = DFF_KEY_PREFIX "ak-nonce:",
        [DFF_KEY_IMPORT] = DFF_KEY_PREFIX "import:",
        [DFF_KEY_SOURCE_TRIAL] = DFF_KEY_PREFIX "source-trial:",
    };

    return dff_key_join(key, dff_str_from(names[kind]), digest);
}

void
dff_key_func_cache(dff_buf_t *key, dff_str_t scope, dff_str_t name)
{
    dff_buf_addf(key, DFF_KEY_FUNC_CACHE "%zu:", scope.len);
    dff_buf_add_str(key, scope);
    dff_buf_add_str(key, DFF_STR(":"));
    dff_buf_add_str(key, name);
}

bool
dff_key_func_cache_parts(dff_str_t key, dff_str_t *scope, dff_str_t *name)
{
    const dff_str_t prefix = DFF_STR(DFF_KEY_FUNC_CACHE);
    size_t          at = prefix.len, len = 0;

    if (key.len <= at || memcmp(key.data, prefix.data, at) != 0)
        return false;
    for ( ; at < key.len && key.data[at] >= '0' && key.data[at] <= '9'; at++) {
        len = len * 10 + (size_t) (key.data[at] - '0');
        if (len > key.len)
            return false;
    }
    if (at == prefix.len || key.len - at < len + 2 || key.data[at] != ':'
        || key.data[at + 1 + len] != ':')
        return false;
    *scope = (dff_str_t) { key.data + at + 1, len };
    *name = (dff_str_t) { key.data + at + len + 2, key.len - at - len - 2 };
    return true;
}
