/*
 * Drops the rights of the zygote, and with it of every worker.
 */
#include "dff_privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_become.h"

#include "dff_banned.h"

#define DFF_OOM_SCORE  "500\n"

/* Best effort: a container may forbid it, and nothing else depends on it. It
 * comes before the change of user, after which /proc/self belongs to root. */
static void
dff_privileges_oom_score(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd == -1)
        return;
    if (write(fd, DFF_OOM_SCORE, sizeof(DFF_OOM_SCORE) - 1) == -1) {
        /* see above */
    }
    close(fd);
}

int
dff_privileges_drop(const char *user, dff_err_t *err)
{
    dff_privileges_oom_score();

    /* In the resource folder the group of new files is nginx's, which sends them and
     * removes them (DFF.RESP_FILE); to the rest of the machine they are nothing. */
    (void) umask(007);

    if (geteuid() == 0 && dff_become_user("_WORKER_USER", user, err) != DFF_OK)
        return dff_err_wrap(err, "scripts never run as root");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return dff_err_set(err, DFF_E_SYS, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
    return DFF_OK;
}
