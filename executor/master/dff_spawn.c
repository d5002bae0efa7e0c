/* Children that are this executable: see the header. */
#include "dff_spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "dff_banned.h"

static int
dff_spawn_actions(const dff_spawn_t *spawn, posix_spawn_file_actions_t *actions)
{
    int    rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", 0, 0);
    size_t i;

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    for (i = 0; rc == 0 && i < spawn->nfds; i++)
        rc = posix_spawn_file_actions_adddup2(actions, spawn->fds[i].from, spawn->fds[i].to);
    return rc;
}

static int
dff_spawn_attr(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    int      rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
                                           | POSIX_SPAWN_SETPGROUP);

    (void) sigfillset(&all);
    (void) sigemptyset(&none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attr, &none);
    return rc;
}

int
dff_spawn_self(const dff_spawn_t *spawn, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attr;
    int                        rc;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        (void) posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    rc = dff_spawn_actions(spawn, &actions);
    if (rc == 0)
        rc = dff_spawn_attr(&attr);
    if (rc == 0)
        rc = posix_spawn(pid, "/proc/self/exe", &actions, &attr, spawn->argv, spawn->envp);
    if (rc != 0)
        *pid = 0;

    (void) posix_spawnattr_destroy(&attr);
    (void) posix_spawn_file_actions_destroy(&actions);
    return rc;
}
