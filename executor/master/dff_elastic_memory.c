/* Memory for more workers: see the header. */
#include "dff_elastic_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/dff_pool.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

#define DFF_MEMORY_KEEP_FREE  10        /* a tenth of the machine's */

static int
dff_memory_read(const char *path, char *text, size_t size)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (fd >= 0)
        (void) close(fd);
    if (n <= 0)
        return DFF_ERROR;
    text[n] = '\0';
    return DFF_OK;
}

static int
dff_memory_row(const char *text, const char *name, uint64_t *kib)
{
    const char *at = strstr(text, name);
    char       *end;

    if (at == NULL || (at != text && at[-1] != '\n'))
        return DFF_ERROR;
    *kib = strtoull(at + strlen(name), &end, 10);
    return end == at + strlen(name) ? DFF_ERROR : DFF_OK;
}

int
dff_elastic_meminfo(const char *text, uint64_t *total_kib, uint64_t *available_kib)
{
    if (dff_memory_row(text, "MemTotal:", total_kib) != DFF_OK)
        return DFF_ERROR;
    return dff_memory_row(text, "MemAvailable:", available_kib);
}

/* What a worker would give back at its end, roughly: its resident pages without the
 * files'. Pages that it still shares with the zygote count, too. */
static uint64_t
dff_memory_of(pid_t pid)
{
    char               path[64], text[128];
    unsigned long long size, resident, shared;

    (void) snprintf(path, sizeof(path), "/proc/%d/statm", (int) pid);
    if (pid <= 0 || dff_memory_read(path, text, sizeof(text)) != DFF_OK
        || sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared)
        return 0;
    return (resident - shared) * (uint64_t) sysconf(_SC_PAGESIZE);
}

/* With one more, of the average size. */
static uint64_t
dff_memory_of_workers(const dff_master_t *master)
{
    const dff_worker_proc_t *worker;
    uint64_t                 sum = 0, one, count = 0;
    int                      i;

    for (i = 0; i < master->pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &master->pool->groups[i].workers, all) {
            one = dff_memory_of(worker->pid);
            sum += one;
            count += one > 0;
        }
    }
    return count > 0 ? sum + sum / count : 0;
}

bool
dff_elastic_memory_left(const dff_master_t *master, const char **why)
{
    uint64_t most = (uint64_t) master->cfg->worker_max_memory_mb << 20;
    uint64_t total_kib, available_kib;
    char     text[4096];

    if (most > 0) {
        if (dff_memory_of_workers(master) <= most)
            return true;
        *why = "the workers hold as much memory as _WORKER_MAX_MEMORY lets them";
        return false;
    }
    /* Where it cannot be told the number of workers is the only limit. */
    if (dff_memory_read("/proc/meminfo", text, sizeof(text)) != DFF_OK
        || dff_elastic_meminfo(text, &total_kib, &available_kib) != DFF_OK
        || available_kib >= total_kib / DFF_MEMORY_KEEP_FREE)
        return true;
    *why = "less than a tenth of the machine's memory is available";
    return false;
}
