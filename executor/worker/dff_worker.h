/*
 * A worker: one process, one script call at a time.
 *
 * The struct is the context of the process. The zygote fills settings and py;
 * its children, forked when Python is warm, do the rest in dff_worker_main.
 *
 * All functions run in the worker with the GIL held; it is dropped while the
 * worker waits for frames.
 */
#ifndef DFF_WORKER_H
#define DFF_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "dff_call_log.h"
#include "dff_frame.h"
#include "dff_python.h"
#include "dff_script_cache.h"

/* Descriptors of a worker, the second next to the first: so far up that those which
 * scripts close by number are below. */
#define DFF_WORKER_SOCKET  250    /* to the master */
#define DFF_WORKER_STDERR  251    /* stderr again, for when a script has closed it */

typedef struct {
    const dff_settings_t *settings;
    dff_python_t          py;

    int                   sock;        /* to the master; -1 in the zygote */
    bool                  is_fork;     /* a process that a script has forked: not ours any more */
    bool                  exiting;     /* the master said EXIT */
    dff_buf_t             in;          /* frames, not yet handled from in_at on */
    size_t                in_at;
    dff_buf_t             job_bytes;   /* the frame of the running job */
    dff_buf_t             out;
    /* Held by whoever may talk to the master: the main thread between calls, any
     * thread that asks for a script during one. */
    PyThread_type_lock    talk;

    PyObject             *scripts;     /* dict: id -> dff_live_script_t */
    dff_live_script_t    *running;     /* of the call at hand, or NULL */
    PyObject             *drafts;      /* dict like scripts, of a draft's texts; or NULL */
    PyObject             *open;        /* list: script modules of the call at hand */
    PyObject             *open_ids;    /* list: their ids, in the same order */
    PyObject             *names;       /* dict: what every script's namespace begins with */
    bool                  plain_import;/* the finder of scripts is to stand aside */
    bool                  needs_finish;/* the call has threads or connections: py.finish */
    bool                  is_cyclic;   /* the call left garbage that only the collector frees */

    dff_call_log_t        log;
    dff_buf_t             body;
    dff_buf_t             control;
    int64_t               jobs_done;
} dff_worker_t;

/* The worker of this process, for callbacks that C passes no argument to (fork
 * handlers, functions of the module _dff). */
dff_worker_t *dff_worker_self(void);

/* Never returns. sock becomes the worker's. The child has called
 * PyOS_AfterFork_Child. */
void dff_worker_main(dff_worker_t *worker, int sock) __attribute__((noreturn));

/*
 * Asks the master for a script and waits. New reference; it is in the cache by
 * then. NULL: nothing published by that id (no exception), or an exception is
 * set. Any thread that has the GIL.
 */
dff_live_script_t *dff_worker_ask_script(dff_worker_t *worker, PyObject *id);

#endif
