/*
 * Where Redis is. REDIS_HOST is resolved at start, which may block, and looked up again while
 * no connection comes about, and at a reload: a failover may be told by a name that leads to
 * another server. That goes through libevent, which asks /etc/hosts and the name servers and
 * blocks nobody; who knows the name from elsewhere has to restart. Runs in the master and the
 * api processes.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/dns.h>

#include "dff_time.h"

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

#define DFF_REDIS_LOOK_UP_MS    1000    /* not more often */
#define DFF_REDIS_LOOK_UP_MAX_S    5    /* no answer of any name server */

static const struct addrinfo dff_redis_hints = {
    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM
};

int
dff_redis_resolve(dff_redis_t *redis, const char *host, int port, dff_err_t *err)
{
    struct addrinfo *found = NULL;
    char             address[NI_MAXHOST];
    int              rc;

    rc = getaddrinfo(host, NULL, &dff_redis_hints, &found);
    if (rc != 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_HOST %s: %s", host,
                           rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));

    rc = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0,
                     NI_NUMERICHOST);
    freeaddrinfo(found);
    if (rc != 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_HOST %s: %s", host, gai_strerror(rc));

    redis->address = strdup(address);
    redis->port = port;
    if (strcmp(address, host) != 0)
        redis->host = strdup(host);
    return DFF_OK;
}

/* The first one, or ours when it is among them; "": none. */
static void
dff_redis_pick(const dff_redis_t *redis, const struct evutil_addrinfo *found,
    char address[NI_MAXHOST])
{
    const struct evutil_addrinfo *it;
    char                          text[NI_MAXHOST];

    address[0] = '\0';
    for (it = found; it != NULL; it = it->ai_next) {
        if (getnameinfo(it->ai_addr, (socklen_t) it->ai_addrlen, text, sizeof(text), NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        if (address[0] == '\0' || strcmp(text, redis->address) == 0)
            (void) snprintf(address, NI_MAXHOST, "%s", text);
    }
}

static void
dff_redis_move(dff_redis_t *redis, const char *address)
{
    dff_redis_link_t *link, *next;
    char             *copy = strdup(address);

    if (copy == NULL)
        return;
    dff_log_warn(redis->log, NULL, "REDIS_HOST %s leads to %s now, no more to %s", redis->host,
                 address, redis->address);
    free(redis->address);
    redis->address = copy;
    dff_redis_set_label(redis);
    for (link = TAILQ_FIRST(&redis->links); link != NULL; link = next) {
        next = TAILQ_NEXT(link, all);
        dff_redis_link_drop(link, "its name leads to another address now");
    }
}

static void
dff_redis_on_looked_up(int rc, struct evutil_addrinfo *found, void *ctx)
{
    dff_redis_t *redis = ctx;
    char         address[NI_MAXHOST];

    redis->asked = NULL;
    /* It may be called before the one who asks has it back, so it is freed from the loop. */
    event_active(redis->looked_up, EV_TIMEOUT, 1);
    if (rc != 0)
        return;
    dff_redis_pick(redis, found, address);
    evutil_freeaddrinfo(found);
    if (address[0] != '\0' && strcmp(address, redis->address) != 0 && !redis->ended)
        dff_redis_move(redis, address);
}

static void
dff_redis_end_look_up(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_t *redis = ctx;

    (void) fd;
    (void) what;
    /* No answer in time, or one that libevent has read and not told: it still needs what would
     * be freed. It calls back, and that calls this again. */
    if (redis->asked != NULL) {
        evdns_getaddrinfo_cancel(redis->asked);
        return;
    }
    (void) evtimer_del(redis->looked_up);
    if (redis->dns != NULL)
        evdns_base_free(redis->dns, 0);
    redis->dns = NULL;
}

void
dff_redis_look_up(dff_redis_t *redis)
{
    static const struct timeval longest = { DFF_REDIS_LOOK_UP_MAX_S, 0 };
    int64_t                     now_ms = dff_time_monotonic_ms();

    if (redis->host == NULL || redis->dns != NULL || redis->ended
        || now_ms < redis->look_up_ms)
        return;
    redis->look_up_ms = now_ms + DFF_REDIS_LOOK_UP_MS;
    if (redis->looked_up == NULL)
        redis->looked_up = evtimer_new(redis->base, dff_redis_end_look_up, redis);
    if (redis->looked_up == NULL || (redis->dns = evdns_base_new(redis->base, 0)) == NULL)
        return;
    (void) evtimer_add(redis->looked_up, &longest);
    /* New for each time, as the files may have changed; without the one there is the other. */
    (void) evdns_base_resolv_conf_parse(redis->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    redis->asked = evdns_getaddrinfo(redis->dns, redis->host, NULL, &dff_redis_hints,
                                     dff_redis_on_looked_up, redis);
}

void
dff_redis_address_release(dff_redis_t *redis)
{
    if (redis->dns != NULL)
        evdns_base_free(redis->dns, 0);
    if (redis->looked_up != NULL)
        event_free(redis->looked_up);
    free(redis->host);
    free(redis->address);
}
