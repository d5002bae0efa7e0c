/*
 * Starting this executable anew as a child: zygote, api process, cleaning. (A fork of
 * the master would share its signals and its connections.) Runs in the master.
 */
#ifndef DFF_SPAWN_H
#define DFF_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

typedef struct {
    int from, to;      /* from: a descriptor of ours, above every to */
} dff_spawn_fd_t;

typedef struct {
    char *const          *argv;
    char *const          *envp;
    const dff_spawn_fd_t *fds;       /* what it gets besides 0 (/dev/null), 1 and 2 */
    size_t                nfds;
} dff_spawn_t;

/* Signals are at their defaults in the child, and it has a process group of its own:
 * Ctrl-C in a terminal is for the master alone. Returns 0, or an errno. */
int dff_spawn_self(const dff_spawn_t *spawn, pid_t *pid);

#endif
