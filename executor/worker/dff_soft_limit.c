/*
 * SIGUSR1 -> SoftTimeLimitExceeded in the running call.
 *
 * Two handlers: ours from sigaction compares the run's number and trips
 * Python's flag; Python's handler, run by the interpreter between two bytecodes
 * or in a system call that the signal interrupted, raises.
 */
#include "dff_soft_limit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_SOFT_LIMIT_NONE  (-1)

/* Written by the signal handler or the main thread, which is one thread. */
static volatile sig_atomic_t dff_soft_limit_current = DFF_SOFT_LIMIT_NONE;
static volatile sig_atomic_t dff_soft_limit_fired = DFF_SOFT_LIMIT_NONE;

/* Of the call that is armed; read by the handler. */
static dff_black_box_t *volatile dff_soft_limit_box;
static PyThreadState *volatile   dff_soft_limit_thread;

/* What faulthandler calls: made for signal handlers, allocates nothing. Python's headers
 * have it for Python's own modules only. */
extern void _Py_DumpTraceback(int fd, PyThreadState *tstate);

/* It wants a descriptor; of its own, since a script can close any that stays open. */
static void
dff_soft_limit_dump(dff_black_box_t *box)
{
    int     fd = memfd_create("dff-stack", MFD_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return;
    _Py_DumpTraceback(fd, dff_soft_limit_thread);
    n = pread(fd, box->stack, sizeof(box->stack) - 1, 0);
    box->stack[n > 0 ? n : 0] = '\0';
    (void) close(fd);
}

static void
dff_soft_limit_on_signal(int signum, siginfo_t *info, void *context)
{
    int saved = errno;

    (void) context;
    if (info->si_code == SI_QUEUE && dff_soft_limit_current != DFF_SOFT_LIMIT_NONE
        && info->si_value.sival_int == dff_soft_limit_current)
    {
        dff_soft_limit_fired = dff_soft_limit_current;
        if (dff_soft_limit_box != NULL)
            dff_soft_limit_dump(dff_soft_limit_box);
        (void) PyErr_SetInterruptEx(signum);    /* fails for a bad number only */
    }
    errno = saved;
}

/* The handler that Python knows; self is the exception class. */
static PyObject *
dff_soft_limit_raise(PyObject *self, PyObject *args)
{
    (void) args;
    if (dff_soft_limit_current == DFF_SOFT_LIMIT_NONE
        || dff_soft_limit_fired != dff_soft_limit_current)
    {
        Py_RETURN_NONE;
    }
    PyErr_SetNone(self);
    return NULL;
}

static PyMethodDef dff_soft_limit_method = {
    "soft_limit", dff_soft_limit_raise, METH_VARARGS, "Raises SoftTimeLimitExceeded."
};

int
dff_soft_limit_init(PyObject *exception_class)
{
    struct sigaction action = { 0 };
    PyObject        *module = NULL, *handler = NULL, *done = NULL;
    int              rc = -1;

    handler = PyCFunction_New(&dff_soft_limit_method, exception_class);
    module = PyImport_ImportModule("signal");
    if (handler == NULL || module == NULL)
        goto done;
    done = PyObject_CallMethod(module, "signal", "iO", SIGUSR1, handler);
    if (done == NULL)
        goto done;

    /* Over Python's own sigaction, which could not tell one run from another.
     * No SA_RESTART: a system call that waits must return, for Python to look. */
    action.sa_sigaction = dff_soft_limit_on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    (void) sigemptyset(&action.sa_mask);
    if (sigaction(SIGUSR1, &action, NULL) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        goto done;
    }
    rc = 0;

done:
    Py_XDECREF(done);
    Py_XDECREF(module);
    Py_XDECREF(handler);
    return rc;
}

void
dff_soft_limit_begin(uint64_t seq, dff_black_box_t *box)
{
    dff_soft_limit_box = box;
    dff_soft_limit_thread = PyThreadState_Get();
    dff_soft_limit_fired = DFF_SOFT_LIMIT_NONE;
    dff_soft_limit_current = (sig_atomic_t) (seq & 0x7fffffff);
}

bool
dff_soft_limit_end(void)
{
    bool reached = dff_soft_limit_current != DFF_SOFT_LIMIT_NONE
                   && dff_soft_limit_fired == dff_soft_limit_current;

    /* From here on the handlers do nothing; what was tripped before is run and
     * forgotten now, not in the next call's first bytecode. */
    dff_soft_limit_current = DFF_SOFT_LIMIT_NONE;
    if (PyErr_CheckSignals() != 0)
        PyErr_Clear();           /* a handler that the script had installed raised */
    return reached;
}
