/* Fields of the answer to INFO: see the header. */
#include "dff_redis_info.h"

#include <stdio.h>
#include <string.h>

#include "dff_banned.h"

dff_str_t
dff_redis_info_field(dff_str_t info, dff_str_t name)
{
    const char *at = info.data, *end = info.data + info.len, *line_end;

    while (at < end) {
        line_end = memchr(at, '\n', (size_t) (end - at));
        if (line_end == NULL)
            line_end = end;
        if ((size_t) (line_end - at) > name.len && memcmp(at, name.data, name.len) == 0) {
            const char *stop = line_end;

            at += name.len;
            while (stop > at && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            return (dff_str_t) { at, (size_t) (stop - at) };
        }
        at = line_end + 1;
    }
    return DFF_STR("");
}

void
dff_redis_info_run_id(dff_str_t info, char run_id[DFF_REDIS_RUN_ID_SIZE])
{
    dff_str_t id = dff_redis_info_field(info, DFF_STR("run_id:"));

    (void) snprintf(run_id, DFF_REDIS_RUN_ID_SIZE, "%.*s", (int) id.len, id.data);
}


bool
dff_redis_info_evicts(dff_str_t info)
{
    dff_str_t limit = dff_redis_info_field(info, DFF_STR("maxmemory:"));
    dff_str_t policy = dff_redis_info_field(info, DFF_STR("maxmemory_policy:"));

    return limit.len > 0 && !dff_str_eq(limit, DFF_STR("0")) && policy.len > 0
           && !dff_str_eq(policy, DFF_STR("noeviction"));
}
