/* What the cleaning child does: see dff_clean.h. A process of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files/dff_files.h"
#include "master/dff_clean.h"

#include "dff_banned.h"

#define DFF_CLEAN_SECONDS  50      /* then SIGALRM; the next round begins after 60 */

static int
dff_clean_fail(const char *what, const char *name)
{
    (void) fprintf(stderr, "dff-executor --clean: %s %s: %s\n", what, name, strerror(errno));
    return 1;
}

/* A folder with all that is in it; no link is followed. */
static int
dff_clean_tree(int folder, const char *name)
{
    dff_files_t files = { .root = -1 };
    dff_err_t   err;

    if (dff_files_remove(&files, folder, name, &err) == DFF_OK)
        return 0;
    (void) fprintf(stderr, "dff-executor --clean: %s: %s\n", name, err.message);
    return 1;
}

/* trees: folders, too, by the age of the folder itself. */
static int
dff_clean_entries(DIR *dir, const char *name, int64_t older_than_s, bool trees)
{
    struct dirent *entry;
    struct stat    st;
    int            failed = 0;

    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0
            || (int64_t) st.st_mtime >= older_than_s || strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0 || (S_ISDIR(st.st_mode) && !trees))
        {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            failed |= dff_clean_tree(dirfd(dir), entry->d_name);
            continue;
        }
        /* Another node may clean the same folder. */
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT && !failed)
            failed = dff_clean_fail("unlink in", name);
    }
    return errno != 0 ? dff_clean_fail("readdir", name) : failed;
}

/* A folder right below root. The scripts' user may have put anything in its place, and
 * root must not follow a link from there. */
static int
dff_clean_folder(int root, const char *name, int64_t keep_s, bool trees)
{
    int  fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), failed;
    DIR *dir;

    if (fd == -1)
        return errno == ENOENT ? 0 : dff_clean_fail("open", name);
    dir = fdopendir(fd);
    if (dir == NULL) {
        failed = dff_clean_fail("fdopendir", name);
        (void) close(fd);
        return failed;
    }
    failed = dff_clean_entries(dir, name, (int64_t) time(NULL) - keep_s, trees);
    (void) closedir(dir);
    return failed;
}

int
dff_clean_main(const char *words)
{
    const char *colon = strrchr(words, ':');
    char       *path, *end;
    long long   keep_s;
    int         root, failed;

    if (colon == NULL || (keep_s = strtoll(colon + 1, &end, 10)) < 1 || *end != '\0'
        || (path = strndup(words, (size_t) (colon - words))) == NULL) {
        (void) fprintf(stderr, "dff-executor: --clean is for the master's use only\n");
        return 2;
    }
    (void) setpriority(PRIO_PROCESS, 0, 19);
    (void) alarm(DFF_CLEAN_SECONDS);

    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root == -1) {
        /* Not made yet: nothing to clean. */
        failed = errno == ENOENT ? 0 : dff_clean_fail("open", path);
    } else {
        failed = dff_clean_folder(root, ".uploads", keep_s, false);
        failed |= dff_clean_folder(root, ".downloads", DFF_CLEAN_DOWNLOADS_S, false);
        failed |= dff_clean_folder(root, DFF_FILE_TEMPORARY, DFF_CLEAN_TEMPORARY_S, true);
        (void) close(root);
    }
    free(path);
    return failed;
}
