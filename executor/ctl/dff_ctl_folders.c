/*
 * Whether users may write their folders: see the header. Each question is asked by a child
 * that has become the user, so that groups, access lists and the folders above count as they
 * do for the processes. Runs in dffctl.
 */
#include "ctl/dff_ctl_folders.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_become.h"

#include "dff_banned.h"

#define DFF_CTL_FOLDERS_COUNT  (sizeof(dff_ctl_folders) / sizeof(dff_ctl_folders[0]))

typedef enum { DFF_CTL_FOLDER_API, DFF_CTL_FOLDER_WORKER } dff_ctl_folder_user_t;

/* Owner and mode of each are those that deploy/setup gives it; its group is always the one of
 * _API_USER. */
static const struct {
    const char           *below;        /* of RESOURCE_ROOT_PATH; NULL: the backups */
    dff_ctl_folder_user_t user;         /* who must be able to use it */
    int                   rights;       /* of access() */
    bool                  made_later;   /* by its user, when it is needed */
    dff_ctl_folder_user_t owner;
    unsigned              mode;
} dff_ctl_folders[] = {
    { NULL, DFF_CTL_FOLDER_API, R_OK | W_OK | X_OK, false, DFF_CTL_FOLDER_API, 0700 },
    { "", DFF_CTL_FOLDER_API, R_OK | W_OK | X_OK, false, DFF_CTL_FOLDER_WORKER, 02770 },
    { "", DFF_CTL_FOLDER_WORKER, R_OK | W_OK | X_OK, false, DFF_CTL_FOLDER_WORKER, 02770 },
    { "/.downloads", DFF_CTL_FOLDER_WORKER, W_OK | X_OK, true, DFF_CTL_FOLDER_WORKER, 02750 },
};

/* What the child says. */
typedef struct {
    int    error;           /* errno; 0: it may */
    size_t through;         /* length of the folder above that cannot be gone through; 0: none */
} dff_ctl_folder_answer_t;

typedef struct {
    const char *key, *user;
} dff_ctl_folder_who_t;


static dff_ctl_folder_who_t
dff_ctl_folder_who(const dff_config_t *cfg, dff_ctl_folder_user_t user)
{
    return user == DFF_CTL_FOLDER_API
        ? (dff_ctl_folder_who_t) { "_API_USER", cfg->api_user }
        : (dff_ctl_folder_who_t) { "_WORKER_USER", cfg->worker_user };
}


static void
dff_ctl_folder_look(const char *path, int rights, dff_ctl_folder_answer_t *answer)
{
    char above[PATH_MAX];

    *answer = (dff_ctl_folder_answer_t) { 0 };
    if (access(path, rights) == 0)
        return;
    answer->error = errno;
    for (const char *at = path; answer->error == EACCES && (at = strchr(at + 1, '/')) != NULL; ) {
        size_t len = (size_t) (at - path);

        if (at[1] == '\0')
            return;                     /* the slash that a path may end with */
        memcpy(above, path, len);
        above[len] = '\0';
        if (access(above, X_OK) != 0) {
            answer->through = len;
            return;
        }
    }
}


/* DFF_ERROR: nobody can be asked, and err says why. */
static int
dff_ctl_folder_ask(const dff_ctl_folder_who_t *who, const char *path, int rights,
    dff_ctl_folder_answer_t *answer, dff_err_t *err)
{
    int     ends[2];
    pid_t   child;
    ssize_t n;

    if (pipe(ends) != 0)
        return dff_err_set(err, DFF_E_SYS, "pipe: %s", strerror(errno));
    (void) fflush(stdout);
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && dff_become_user(who->key, who->user, err) != DFF_OK)
            _exit(1);                   /* it has answered nothing */
        dff_ctl_folder_look(path, rights, answer);
        _exit(write(ends[1], answer, sizeof(*answer)) == sizeof(*answer) ? 0 : 1);
    }
    (void) close(ends[1]);
    n = child < 0 ? -1 : read(ends[0], answer, sizeof(*answer));
    (void) close(ends[0]);
    if (child > 0)
        (void) waitpid(child, NULL, 0);
    return n == (ssize_t) sizeof(*answer) ? DFF_OK
        : dff_err_set(err, DFF_E_SYS, "%s: cannot become %s", who->key, who->user);
}


/* The command that makes the folder what deploy/setup makes it. */
static void
dff_ctl_folder_cure(const dff_config_t *cfg, size_t i, const char *path,
    const dff_ctl_folder_answer_t *answer, char *cure, size_t size)
{
    const char    *owner = dff_ctl_folder_who(cfg, dff_ctl_folders[i].owner).user;
    struct passwd *api = getpwnam(cfg->api_user);
    struct group  *group = api == NULL ? NULL : getgrgid(api->pw_gid);
    const char    *group_name = group == NULL ? "" : group->gr_name;

    if (answer->through > 0)
        (void) snprintf(cure, size, "`chmod a+x '%.*s'`", (int) answer->through, path);
    else if (answer->error == ENOENT)
        (void) snprintf(cure, size, "`install -d -m %04o -o '%s' -g '%s' '%s'`",
                        dff_ctl_folders[i].mode, owner, group_name, path);
    else if (answer->error == EACCES)
        (void) snprintf(cure, size, "`chown '%s:%s' '%s' && chmod %04o '%s'`", owner, group_name,
                        path, dff_ctl_folders[i].mode, path);
    else
        (void) snprintf(cure, size, "it must be a folder on a file system that can be written;"
                        " `ls -ld '%s'; findmnt -T '%s'`", path, path);
}


/* False: it is not to be looked at. */
static bool
dff_ctl_folder_path(const dff_config_t *cfg, size_t i, char path[PATH_MAX])
{
    const char *below = dff_ctl_folders[i].below;

    if (below == NULL && cfg->crontab_auto_backup_db[0] == '\0')
        return false;                   /* only root writes it, with dffctl */
    (void) snprintf(path, PATH_MAX, "%s%s", below == NULL ? cfg->db_auto_backup_path
                    : cfg->resource_root_path, below == NULL ? "" : below);
    return true;
}


unsigned
dff_ctl_folders_check(const dff_config_t *cfg,
    void (*found)(void *ctx, const char *what, const char *cure), void *ctx)
{
    unsigned looked = 0;

    for (size_t i = 0; i < DFF_CTL_FOLDERS_COUNT; i++) {
        dff_ctl_folder_who_t    who = dff_ctl_folder_who(cfg, dff_ctl_folders[i].user);
        dff_ctl_folder_answer_t answer = { 0 };
        char                    path[PATH_MAX], what[2 * PATH_MAX], cure[3 * PATH_MAX];
        dff_err_t               err = { 0 };

        if (!dff_ctl_folder_path(cfg, i, path))
            continue;
        looked++;
        if (dff_ctl_folder_ask(&who, path, dff_ctl_folders[i].rights, &answer, &err) != DFF_OK) {
            (void) snprintf(cure, sizeof(cure), "`useradd --system '%s'`, or see %s of the"
                            " configuration", who.user, who.key);
            found(ctx, err.message, cure);
            continue;
        }
        if (answer.error == 0 || (answer.error == ENOENT && dff_ctl_folders[i].made_later))
            continue;
        (void) snprintf(what, sizeof(what), "%s (%s) cannot %s %s: %s", who.user, who.key,
                        answer.through > 0 ? "get to" : "write", path, strerror(answer.error));
        dff_ctl_folder_cure(cfg, i, path, &answer, cure, sizeof(cure));
        found(ctx, what, cure);
    }
    return looked;
}
