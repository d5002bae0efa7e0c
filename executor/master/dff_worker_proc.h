/*
 * One worker process as the master sees it: its socket, its state, its one
 * timer, and the scripts it has.
 *
 *   FORKING -> IDLE -> RESERVED -> BUSY -> IDLE ...
 *   any -> LEAVING (EXIT sent) | KILLED (SIGKILL sent) -> DYING -> freed
 *
 * A death has two halves, the end of the socket and the wait status from the
 * zygote; after the first half the other one is waited for DFF_WORKER_HALVES_MS,
 * so that the answer can name the signal. Runs in the master.
 */
#ifndef DFF_WORKER_PROC_H
#define DFF_WORKER_PROC_H

#include <sys/uio.h>

#include "dff_black_box.h"
#include "dff_buf.h"
#include "dff_envelope.h"
#include "dff_frame.h"

#include "master/dff_master.h"
#include "master/dff_worker_scripts.h"

#define DFF_EVIDENCE_SIZE        1024
#define DFF_WORKER_HALVES_MS     100
#define DFF_WORKER_READY_MS    30000    /* from the FORK to READY */
#define DFF_WORKER_EXIT_MS      2000    /* from EXIT to the end */

typedef enum {
    DFF_WORKER_FORKING,     /* asked of the zygote; FORKED or READY is missing */
    DFF_WORKER_IDLE,
    DFF_WORKER_RESERVED,    /* its job's start is on its way to Redis */
    DFF_WORKER_BUSY,
    DFF_WORKER_LEAVING,     /* EXIT sent */
    DFF_WORKER_KILLED,      /* SIGKILL sent */
    DFF_WORKER_DYING,       /* one half of its death was seen */
    DFF_WORKER_STATE_COUNT
} dff_worker_state_t;

struct dff_worker_proc_s {
    TAILQ_ENTRY(dff_worker_proc_s) all, idle;
    dff_master_t         *master;
    dff_group_t          *group;
    struct dff_zygote_proc_s *zygote;    /* its parent */
    dff_run_t            *run;           /* RESERVED, BUSY; KILLED, DYING: only what it
                                            was running, until that is answered */
    dff_worker_state_t    state;
    uint32_t              tag;           /* of its FORK */
    pid_t                 pid;           /* 0: FORKED has not come */
    int                   fd;
    bool                  counted;       /* in group->live */
    int64_t               idle_since_ms; /* monotonic; IDLE */
    bool                  ready, recycle;
    bool                  spent;         /* recycle, by its own RESULT: it is not asked to leave */
    bool                  has_eof, has_status;
    int                   wait_status;
    char                  task_id[DFF_TASK_ID_MAX + 1];   /* of the job it was killed for, or died
                                            in; "": none */
    uint64_t              peak_rss_kib;
    char                  evidence[DFF_EVIDENCE_SIZE];    /* why we killed it, what it ran;
                                            logged with its end */
    dff_black_box_t      *box;           /* its last words; may be NULL */
    struct event         *read_event, *write_event, *timer;
    dff_buf_t             in, out;
    dff_worker_scripts_t  scripts;
    struct dff_published_slot_s *wants;     /* its open NEED_SCRIPT */
};

/* Asks the zygote for one; it joins the group. NULL: no zygote, or no descriptors. */
dff_worker_proc_t *dff_worker_proc_new(dff_group_t *group, uint32_t tag);
/* Frees at once, without waiting for the process: it sees the end of its socket. */
void dff_worker_proc_discard(dff_worker_proc_t *worker);

void dff_worker_proc_forked(dff_worker_proc_t *worker, pid_t pid, dff_str_t error);
void dff_worker_proc_exited(dff_worker_proc_t *worker, int status, uint64_t peak_rss_kib);

void dff_worker_proc_reserve(dff_worker_proc_t *worker, dff_run_t *run);
/* RESERVED, BUSY -> IDLE, or on its way out when it is to be replaced. */
void dff_worker_proc_release(dff_worker_proc_t *worker);
void dff_worker_proc_busy(dff_worker_proc_t *worker, dff_run_t *run);
/* Sends EXIT now (IDLE, FORKING) or after the job. */
void dff_worker_proc_leave(dff_worker_proc_t *worker);
/* BUSY with a job of which it has got nothing: on its way out, without the job. */
void dff_worker_proc_deaf(dff_worker_proc_t *worker);
/* Its end will be logged with this, with what it runs, and with its black box. */
void dff_worker_proc_kill(dff_worker_proc_t *worker, const char *why);

/* Between dff_worker_io.c, which reads and writes the socket, and the states: */
void dff_worker_proc_on_readable(evutil_socket_t fd, short what, void *ctx);
void dff_worker_proc_on_writable(evutil_socket_t fd, short what, void *ctx);
void dff_worker_proc_ready(dff_worker_proc_t *worker);
/* May free the worker. */
void dff_worker_proc_eof(dff_worker_proc_t *worker);

/* Writes what the socket takes, keeps the rest. DFF_ERROR: it is dead or deaf, and has got
 * and will get nothing of this. */
int dff_worker_proc_send(dff_worker_proc_t *worker, struct iovec *iov, int count);
void dff_worker_proc_set_timer(dff_worker_proc_t *worker, int64_t ms);

#endif
