/* Leaving the terminal: see the header. */
#include "master/dff_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

int
dff_daemon_begin(int *tell, dff_err_t *err)
{
    int   pipe_fds[2], null_fd;
    char  ok = 0;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return dff_err_set(err, DFF_E_SYS, "pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0)
        return dff_err_set(err, DFF_E_SYS, "fork: %s", strerror(errno));
    if (pid > 0) {
        ssize_t n;

        (void) close(pipe_fds[1]);
        do {
            n = read(pipe_fds[0], &ok, 1);
        } while (n < 0 && errno == EINTR);
        _exit(n == 1 ? 0 : 1);
    }

    (void) close(pipe_fds[0]);
    *tell = pipe_fds[1];
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (setsid() < 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
        return dff_err_set(err, DFF_E_SYS, "leaving the terminal: %s", strerror(errno));
    (void) close(null_fd);
    return DFF_OK;
}

bool
dff_daemon_stands(int *tell)
{
    bool told = write(*tell, "1", 1) == 1;

    (void) close(*tell);
    *tell = -1;
    return told;
}
