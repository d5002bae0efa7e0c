/* /proc: see the header. */
#include "api/dff_proc_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_PROC_MAX  8192      /* processes of the machine that are looked at */

typedef struct {
    pid_t    pid, parent;
    uint64_t ticks;
    bool     zygote;
} dff_proc_t;


static ssize_t
dff_proc_read(pid_t pid, const char *file, char *out, size_t size)
{
    char    path[64];
    ssize_t n;
    int     fd;

    (void) snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }
    n = read(fd, out, size - 1);
    (void) close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n;
}


/* False: it has ended meanwhile. */
static bool
dff_proc_stat(pid_t pid, dff_proc_t *proc)
{
    char          text[1024];
    unsigned long user, kernel;
    long          dead_user, dead_kernel;
    int           parent;
    const char   *at;

    if (dff_proc_read(pid, "stat", text, sizeof(text)) <= 0
        || (at = strrchr(text, ')')) == NULL        /* the name may hold anything */
        || sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &parent,
                  &user, &kernel, &dead_user, &dead_kernel) != 5)
    {
        return false;
    }
    *proc = (dff_proc_t) {
        .pid = pid, .parent = parent,
        .ticks = user + kernel + (uint64_t) dead_user + (uint64_t) dead_kernel,
    };
    return true;
}


static size_t
dff_proc_list(dff_proc_t *procs)
{
    DIR           *dir = opendir("/proc");
    struct dirent *entry;
    size_t         count = 0;

    while (dir != NULL && count < DFF_PROC_MAX && (entry = readdir(dir)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);

        count += pid > 0 && dff_proc_stat((pid_t) pid, &procs[count]);
    }
    if (dir != NULL) {
        (void) closedir(dir);
    }
    return count;
}


static const dff_proc_t *
dff_proc_find(const dff_proc_t *procs, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (procs[i].pid == pid) {
            return &procs[i];
        }
    }
    return NULL;
}


/* Only children of the master are asked. */
static bool
dff_proc_is_zygote(pid_t pid)
{
    char    words[512];
    ssize_t n = dff_proc_read(pid, "cmdline", words, sizeof(words));

    return n > 0 && memmem(words, (size_t) n, "--zygote", sizeof("--zygote") - 1) != NULL;
}


static void
dff_proc_add(const dff_proc_t *proc, dff_proc_usage_t *usage, uint64_t *shared_most)
{
    char          text[256];
    unsigned long resident, shared;
    uint64_t      page = (uint64_t) sysconf(_SC_PAGESIZE);

    usage->ticks += proc->ticks;
    if (dff_proc_read(proc->pid, "statm", text, sizeof(text)) > 0
        && sscanf(text, "%*u %lu %lu", &resident, &shared) == 2)
    {
        usage->rss += resident * page;
        usage->own += (resident - (shared > resident ? resident : shared)) * page;
        *shared_most = shared * page > *shared_most ? shared * page : *shared_most;
    }
}


void
dff_proc_usage(pid_t master, pid_t nginx_pid, dff_proc_usage_t *server,
    dff_proc_usage_t *workers)
{
    dff_proc_t *procs = calloc(DFF_PROC_MAX, sizeof(*procs));
    size_t      count = procs == NULL ? 0 : dff_proc_list(procs);
    uint64_t    server_shared = 0, worker_shared = 0;

    *server = *workers = (dff_proc_usage_t) { 0 };
    for (size_t i = 0; i < count; i++) {
        procs[i].zygote = procs[i].parent == master && dff_proc_is_zygote(procs[i].pid);
    }
    for (size_t i = 0; i < count; i++) {
        const dff_proc_t *above = &procs[i];
        bool              worker = false;
        int               steps = 0;

        while (above != NULL && above->pid != master && above->pid != nginx_pid && steps++ < 16) {
            worker = worker || above->zygote;
            above = dff_proc_find(procs, count, above->parent);
        }
        if (above != NULL && (above->pid == master || (nginx_pid > 0 && above->pid == nginx_pid))) {
            dff_proc_add(&procs[i], worker ? workers : server,
                         worker ? &worker_shared : &server_shared);
        }
    }
    server->own += server_shared;
    workers->own += worker_shared;
    free(procs);
}
