/* The workers that a zygote has forked: see the header. */
#include "dff_zygote_children.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_err.h"

#include "dff_banned.h"

void
dff_zygote_children_release(dff_zygote_children_t *children)
{
    free(children->pids);
    *children = (dff_zygote_children_t) { 0 };
}

int
dff_zygote_children_add(dff_zygote_children_t *children, pid_t pid)
{
    if (children->count == children->size) {
        size_t size = children->size == 0 ? 32 : children->size * 2;
        pid_t *pids = realloc(children->pids, size * sizeof(*pids));

        if (pids == NULL)
            return DFF_ERROR;
        children->pids = pids;
        children->size = size;
    }
    children->pids[children->count++] = pid;
    return DFF_OK;
}

void
dff_zygote_children_remove(dff_zygote_children_t *children, pid_t pid)
{
    for (size_t i = 0; i < children->count; i++) {
        if (children->pids[i] == pid) {
            children->pids[i] = children->pids[--children->count];
            return;
        }
    }
}

bool
dff_zygote_children_has(const dff_zygote_children_t *children, pid_t pid)
{
    for (size_t i = 0; i < children->count; i++) {
        if (children->pids[i] == pid)
            return true;
    }
    return false;
}

void
dff_zygote_children_end_orphans(const dff_zygote_children_t *children)
{
    char  path[64];
    FILE *file;
    int   pid;

    (void) snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int) getpid());
    file = fopen(path, "re");
    if (file == NULL)
        return;              /* a kernel without CONFIG_PROC_CHILDREN: they live on */
    while (fscanf(file, "%d", &pid) == 1) {
        if (!dff_zygote_children_has(children, pid))
            (void) kill(pid, SIGKILL);
    }
    (void) fclose(file);
}

void
dff_zygote_children_end(const dff_zygote_children_t *children)
{
    for (size_t i = 0; i < children->count; i++) {
        (void) kill(children->pids[i], SIGKILL);     /* its group may not be made yet */
        (void) kill(-children->pids[i], SIGKILL);
    }
}
