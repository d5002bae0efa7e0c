/* A child of an api process: see the header. */
#include "api/dff_child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_CHILD_NICE  10

/* Nothing of the parent's but the log: a client whose connection the parent closes must
 * see that, and our end must not hold a listening socket. */
static void
dff_child_close_fds(int log_fd)
{
    int fd, max = (int) sysconf(_SC_OPEN_MAX);

    if (log_fd > 2 && syscall(SYS_close_range, 3u, (unsigned) log_fd - 1, 0) == 0
        && syscall(SYS_close_range, (unsigned) log_fd + 1, ~0u, 0) == 0)
        return;
    for (fd = 3; fd < max; fd++) {
        if (fd != log_fd)
            (void) close(fd);
    }
}

static int
dff_child_main(dff_api_t *api, pid_t parent, int (*run)(dff_api_t *api))
{
    (void) signal(SIGTERM, SIG_DFL);
    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGCHLD, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return 1;
    (void) setpriority(PRIO_PROCESS, 0, DFF_CHILD_NICE);
    dff_child_close_fds(api->log.fd);
    return run(api);
}

int
dff_child_start(dff_child_t *child, int (*run)(dff_api_t *api), dff_err_t *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0)
        _exit(dff_child_main(child->api, parent, run));
    if (pid < 0)
        return dff_err_set(err, DFF_E_SYS, "fork: %s", strerror(errno));
    child->pid = pid;
    return DFF_OK;
}

static void
dff_child_on_chld(evutil_socket_t number, short what, void *ctx)
{
    dff_child_t *child = ctx;
    int          status;

    (void) number;
    (void) what;
    if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
        child->pid = 0;
        child->ended(child->ctx, status);
    }
}

int
dff_child_init(dff_child_t *child, dff_api_t *api, void (*ended)(void *ctx, int status),
    void *ctx, dff_err_t *err)
{
    child->api = api;
    child->ended = ended;
    child->ctx = ctx;
    child->chld = evsignal_new(api->base, SIGCHLD, dff_child_on_chld, child);
    if (child->chld == NULL || event_add(child->chld, NULL) != 0)
        return dff_err_set(err, DFF_E_SYS, "libevent takes no event: %s", strerror(errno));
    return DFF_OK;
}

void
dff_child_release(dff_child_t *child)
{
    if (child->pid > 0) {
        (void) kill(child->pid, SIGKILL);
        (void) waitpid(child->pid, NULL, 0);
        child->pid = 0;
    }
    if (child->chld != NULL)
        event_free(child->chld);
    child->chld = NULL;
}
