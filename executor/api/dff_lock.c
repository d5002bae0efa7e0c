/* Locks in Redis: see the header. */
#include "api/dff_lock.h"

#include "dff_banned.h"

void
dff_lock_hold(dff_api_t *api, const char *key, const char *me, const char *seconds)
{
    static const char script[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then "
                                 "redis.call('EXPIRE', KEYS[1], ARGV[2]) end";
    const char       *argv[] = { "EVAL", script, "1", key, me, seconds };

    (void) dff_redis_link_command(api->command, NULL, NULL, 6, argv, NULL);
}
