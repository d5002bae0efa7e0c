/*
 * Memory of the worker.
 */
#include "dff_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_banned.h"

bool
dff_memory_read(dff_memory_t *memory)
{
    char    text[128], *end;
    size_t  page = (size_t) sysconf(_SC_PAGESIZE);
    ssize_t n;
    int     fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    memory->address_space_bytes = strtoull(text, &end, 10) * page;
    memory->resident_bytes = strtoull(end, NULL, 10) * page;
    return true;
}

bool
dff_memory_limit_begin(int growth_mb, struct rlimit *previous)
{
    struct rlimit limit;
    dff_memory_t  now;

    if (!dff_memory_read(&now) || getrlimit(RLIMIT_AS, previous) != 0)
        return false;
    limit = *previous;
    limit.rlim_cur = now.address_space_bytes + ((rlim_t) growth_mb << 20);
    if (previous->rlim_cur != RLIM_INFINITY && limit.rlim_cur > previous->rlim_cur)
        limit.rlim_cur = previous->rlim_cur;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

bool
dff_memory_limit_end(const struct rlimit *previous)
{
    return setrlimit(RLIMIT_AS, previous) == 0;
}
