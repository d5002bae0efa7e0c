/*
 * The one Redis of DFF, and what it must be. Runs in the master and the
 * api processes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_time.h"

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

#define DFF_REDIS_MIN_MAJOR  4

int
dff_redis_check_info(dff_str_t info, char run_id[DFF_REDIS_RUN_ID_SIZE],
    const char **not_now, dff_err_t *err)
{
    dff_str_t version = dff_redis_info_field(info, DFF_STR("redis_version:"));
    int       major = 0;
    size_t    i;

    dff_redis_info_run_id(info, run_id);
    *not_now = NULL;
    if (dff_str_eq(dff_redis_info_field(info, DFF_STR("loading:")), DFF_STR("1")))
        *not_now = "Redis is loading its data";
    else if (dff_str_eq(dff_redis_info_field(info, DFF_STR("role:")), DFF_STR("slave"))
             && dff_str_eq(dff_redis_info_field(info, DFF_STR("slave_read_only:")), DFF_STR("1")))
        *not_now = "Redis is a read-only replica";
    for (i = 0; i < version.len && i < 4 && version.data[i] >= '0' && version.data[i] <= '9'; i++)
        major = major * 10 + (version.data[i] - '0');

    if (i == 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "this is no Redis: INFO has no redis_version");
    if (major < DFF_REDIS_MIN_MAJOR)
        return dff_err_set(err, DFF_E_SYS_CACHE, "Redis is version %.*s, %d.0 or later is needed",
                           (int) version.len, version.data, DFF_REDIS_MIN_MAJOR);
    if (dff_str_eq(dff_redis_info_field(info, DFF_STR("cluster_enabled:")), DFF_STR("1")))
        return dff_err_set(err, DFF_E_SYS_CACHE, "Redis runs in cluster mode; one plain instance "
                           "(or Sentinel, or a managed one) is needed");
    return DFF_OK;
}

void
dff_redis_set_label(dff_redis_t *redis)
{
    (void) snprintf(redis->label, sizeof(redis->label), redis->port == 0 ? "%s" : "%s:%d",
                    redis->address, redis->port);
}

/* No link was lost since, or the timer would have been. */
static void
dff_redis_on_steady(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_t *redis = ctx;

    (void) fd;
    (void) what;
    redis->up = true;
    dff_log_warn(redis->log, NULL, "Redis %s: connected again after %lld ms", redis->label,
                 (long long) (redis->back_at_ms - redis->down_at_ms));
    /* From now on the first lost link is an event again. */
    redis->down_at_ms = 0;
}

dff_redis_t *
dff_redis_new(struct event_base *base, dff_log_t *log, const dff_config_t *cfg,
    dff_redis_refused_fn refused, void *ctx, dff_err_t *err)
{
    dff_redis_t *redis;

    if (cfg->redis_use_tls) {
        (void) dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_USE_TLS is true, but this build's hiredis "
                           "has no TLS: use a TLS tunnel (stunnel) or set it to false");
        return NULL;
    }
    redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        goto memory;

    redis->base = base;
    redis->log = log;
    redis->refused = refused;
    redis->ctx = ctx;
    TAILQ_INIT(&redis->links);
    TAILQ_INIT(&redis->dirty);
    redis->database = (int) cfg->redis_database;
    redis->steady = evtimer_new(base, dff_redis_on_steady, redis);
    redis->user = strdup(cfg->redis_user);
    redis->password = strdup(cfg->redis_password);
    if (cfg->redis_socket[0] != '\0')
        redis->address = strdup(cfg->redis_socket);
    else if (dff_redis_resolve(redis, cfg->redis_host, (int) cfg->redis_port, err) != DFF_OK)
        goto failed;
    if (redis->user == NULL || redis->password == NULL || redis->address == NULL
        || redis->steady == NULL)
        goto memory;
    dff_redis_set_label(redis);
    return redis;

memory:
    (void) dff_err_set(err, DFF_E_SYS, "out of memory");
failed:
    dff_redis_free(redis);
    return NULL;
}

void
dff_redis_free(dff_redis_t *redis)
{
    if (redis == NULL)
        return;
    if (redis->password != NULL)
        explicit_bzero(redis->password, strlen(redis->password));
    free(redis->password);
    free(redis->user);
    dff_buf_release(&redis->text);
    dff_redis_address_release(redis);
    if (redis->steady != NULL)
        event_free(redis->steady);
    free(redis);
}

void
dff_redis_end(dff_redis_t *redis)
{
    redis->ended = true;
}

void
dff_redis_log_up(dff_redis_t *redis)
{
    static const struct timeval after = { DFF_LINK_STEADY_MS / 1000,
                                          DFF_LINK_STEADY_MS % 1000 * 1000 };
    dff_redis_link_t           *link;

    if (redis->up)
        return;
    TAILQ_FOREACH(link, &redis->links, all) {
        if (link->state != DFF_LINK_READY)
            return;
    }
    if (redis->down_at_ms == 0) {
        redis->up = true;
        return;
    }
    redis->back_at_ms = dff_time_monotonic_ms();
    (void) evtimer_add(redis->steady, &after);
}
