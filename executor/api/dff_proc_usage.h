/*
 * Processor time and memory of this node's processes, from /proc. Runs in the api processes,
 * which may look at what is everybody's to see there only.
 */
#ifndef DFF_PROC_USAGE_H
#define DFF_PROC_USAGE_H

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    uint64_t ticks;         /* clock ticks since their starts, with those of ended children */
    uint64_t rss;           /* bytes */
    uint64_t own;           /* of it what is not shared, and once what is */
} dff_proc_usage_t;

/* server: master, api processes and nginx; workers: the zygote and its children.
 * nginx_pid 0: unknown. */
void dff_proc_usage(pid_t master, pid_t nginx_pid, dff_proc_usage_t *server,
    dff_proc_usage_t *workers);

#endif
