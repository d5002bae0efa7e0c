/* The cleaning child as the master sees it: see the header. */
#include "dff_clean.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_time.h"

#include "master/dff_spawn.h"

#include "dff_banned.h"

#define DFF_CLEAN_EVERY_MS  60000

struct dff_clean_s {
    dff_master_t *master;
    pid_t         pid;          /* 0: none */
    int64_t       next_ms;      /* monotonic */
    bool          logged;       /* that it fails */
};

dff_clean_t *
dff_clean_new(dff_master_t *master)
{
    dff_clean_t *clean = calloc(1, sizeof(*clean));

    if (clean != NULL)
        clean->master = master;
    return clean;
}

void
dff_clean_free(dff_clean_t *clean)
{
    if (clean != NULL && clean->pid > 0)
        (void) kill(clean->pid, SIGKILL);
    free(clean);
}

void
dff_clean_soon(dff_clean_t *clean)
{
    clean->next_ms = 0;
}

static int
dff_clean_spawn(dff_clean_t *clean)
{
    const dff_config_t *cfg = clean->master->cfg;
    char                words[4200];
    char               *envp[] = { "PATH=/usr/bin:/bin", NULL };
    char               *argv[] = { "dff-executor", "--clean", words, NULL };
    const dff_spawn_t   spawn = { .argv = argv, .envp = envp };

    if ((size_t) snprintf(words, sizeof(words), "%s:%lld", cfg->resource_root_path,
                          (long long) cfg->upload_file_expires_s) >= sizeof(words))
        return ENAMETOOLONG;
    return dff_spawn_self(&spawn, &clean->pid);
}

void
dff_clean_tick(dff_clean_t *clean)
{
    int64_t now_ms = dff_time_monotonic_ms();
    int     rc;

    if (clean->pid > 0 || now_ms < clean->next_ms || clean->master->state != DFF_MASTER_SERVING)
        return;
    clean->next_ms = now_ms + DFF_CLEAN_EVERY_MS;
    rc = dff_clean_spawn(clean);
    if (rc != 0)
        dff_log_warn(&clean->master->log, NULL, "expired files are not removed: posix_spawn of "
                     "/proc/self/exe: %s", strerror(rc));
}

bool
dff_clean_exited(dff_clean_t *clean, pid_t pid, int status)
{
    bool bad = !WIFEXITED(status) || WEXITSTATUS(status) != 0;

    if (pid != clean->pid)
        return false;
    clean->pid = 0;
    /* Its alarm: it goes on with the next round. */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        bad = false;
    if (bad && !clean->logged)
        dff_log_warn(&clean->master->log, NULL, "expired files were not removed below %s (its "
                     "message is on stderr); tried again every minute",
                     clean->master->cfg->resource_root_path);
    clean->logged = bad;
    return true;
}
