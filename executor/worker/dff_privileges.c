/*
 * Drops the rights of the zygote, and with it of every worker.
 */
#include "dff_privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int
dff_privileges_become(const char *user, dff_err_t *err)
{
    struct passwd *pw;

    if (user[0] == '\0')
        return dff_err_set(err, DFF_E_SYS, "_WORKER_USER is empty: started by root, scripts need"
                           " an unprivileged user to run as");
    errno = 0;
    pw = getpwnam(user);
    if (pw == NULL)
        return dff_err_set(err, DFF_E_SYS, "_WORKER_USER \"%s\": %s", user,
                           errno == 0 ? "no such user" : strerror(errno));
    if (pw->pw_uid == 0 || pw->pw_gid == 0)
        return dff_err_set(err, DFF_E_SYS, "_WORKER_USER \"%s\" is root: scripts never run as root",
                           user);

    if (initgroups(pw->pw_name, pw->pw_gid) != 0)
        return dff_err_set(err, DFF_E_SYS, "initgroups(%s): %s", user, strerror(errno));
    if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0)
        return dff_err_set(err, DFF_E_SYS, "setresgid(%s): %s", user, strerror(errno));
    if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
        return dff_err_set(err, DFF_E_SYS, "setresuid(%s): %s", user, strerror(errno));
    if (setuid(0) == 0 || setgid(0) == 0)
        return dff_err_set(err, DFF_E_SYS, "became %s, but root can be regained", user);
    return DFF_OK;
}

int
dff_privileges_drop(const char *user, dff_err_t *err)
{
    dff_privileges_oom_score();

    /* In the resource folder the group of new files is nginx's, which sends them and
     * removes them (DFF.RESP_FILE); to the rest of the machine they are nothing. */
    (void) umask(007);

    if (geteuid() == 0 && dff_privileges_become(user, err) != DFF_OK)
        return DFF_ERROR;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return dff_err_set(err, DFF_E_SYS, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
    return DFF_OK;
}
