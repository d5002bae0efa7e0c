/* Dropping the rights of root: see the header. */
#include "dff_become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

int
dff_become_user(const char *key, const char *user, dff_err_t *err)
{
    struct passwd *pw;

    if (user[0] == '\0')
        return dff_err_set(err, DFF_E_SYS, "%s is empty: started by root, an unprivileged user to "
                           "run as is needed", key);
    errno = 0;
    pw = getpwnam(user);
    if (pw == NULL)
        return dff_err_set(err, DFF_E_SYS, "%s \"%s\": %s", key, user,
                           errno == 0 ? "no such user" : strerror(errno));
    if (pw->pw_uid == 0 || pw->pw_gid == 0)
        return dff_err_set(err, DFF_E_SYS, "%s \"%s\" is root, which it must not be", key, user);

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
