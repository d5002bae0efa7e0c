/*
 * One operation on the resource folder: mkdir, zip, unzip, cp, mv or rm. A process of its
 * own does it and ends; see README.md. What it makes can be read (and, where nobody else
 * may enter the resource folder, written) by the user of the scripts.
 *
 * Errors: DFF_E_BIZ_CONDITION for what callers can mend, with the name in question in
 * files->name; DFF_E_SYS else.
 */
#ifndef DFF_FILES_H
#define DFF_FILES_H

#include <stdint.h>
#include <sys/types.h>

#include "dff_err.h"
#include "files/dff_file_path.h"

/* Limits of one operation. */
#define DFF_FILES_ENTRIES_MAX  100000
#define DFF_FILES_BYTES_MAX    (10ull << 30)
#define DFF_FILES_DEPTH_MAX    64           /* folders in folders; each costs a descriptor */
#define DFF_FILES_SECONDS      3600

/* Of an archive that is unpacked. More than so many times its own size is no honest one,
 * once it is more than a few files. */
#define DFF_UNZIP_ENTRIES_MAX  20000
#define DFF_UNZIP_BYTES_MAX    (2ull << 30)
#define DFF_UNZIP_RATIO_MAX    200
#define DFF_UNZIP_RATIO_FROM   (16ull << 20)

typedef struct {
    int      root;              /* descriptor of the resource folder */
    mode_t   file_mode, folder_mode;
    uint64_t bytes, entries;    /* so far */
    char     name[DFF_FILE_NAME_MAX + 1];   /* what an error is about, or "" */
} dff_files_t;

/* --- dff_files.c ----------------------------------------------------------------------------- */

/* root: RESOURCE_ROOT_PATH. */
int dff_files_open(dff_files_t *files, const char *root, dff_err_t *err);
/* An error about a name. Always DFF_ERROR. */
int dff_files_refuse(dff_files_t *files, dff_str_t name, dff_err_t *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* An error of a call to the system, by errno: callers' fault or ours. */
int dff_files_failed(dff_files_t *files, const char *what, dff_str_t name, dff_err_t *err);
/* One more entry with so many bytes: DFF_ERROR when it is too much. */
int dff_files_count(dff_files_t *files, uint64_t bytes, dff_err_t *err);
/* The folder of a path (O_PATH); create: it and those above are made. -1: errno. */
int dff_files_folder(const dff_files_t *files, const dff_file_path_t *path, bool create);
/* Is there something of that name, whatever it is? */
bool dff_files_exists(int folder, const char *name);
/* The folder for what is being made, and a name in it. -1: errno. */
int dff_files_temporary(const dff_files_t *files, char name[64]);
/* Moves without replacing. -1: errno, EEXIST when something is there. */
int dff_files_move(int from, const char *from_name, int to, const char *to_name);

/* --- dff_files_tree.c ------------------------------------------------------------------------ */

int dff_files_remove(dff_files_t *files, int folder, const char *name, dff_err_t *err);
/* Regular files and folders; other nodes are passed over. to_name is made. */
int dff_files_copy(dff_files_t *files, int from, const char *from_name, int to,
    const char *to_name, dff_err_t *err);
/* Calls fn for each name in a folder, not in any order. */
typedef int (*dff_files_entry_fn)(void *ctx, int folder, const char *name, dff_err_t *err);
int dff_files_each(dff_files_t *files, int folder, const char *name, dff_files_entry_fn fn,
    void *ctx, dff_err_t *err);

/* --- dff_files_zip.c, dff_files_unzip.c ------------------------------------------------------- */

/* Packs name of folder into a new file, out. */
int dff_files_zip(dff_files_t *files, int folder, const char *name, int out, dff_err_t *err);
/* Unpacks a file into an empty folder, which is the descriptor into. */
int dff_files_unzip(dff_files_t *files, int archive, int into, dff_err_t *err);

/* --- dff_files_main.c ------------------------------------------------------------------------ */

/* `dff-executor --files ROOT OPERATION TARGET [ARGUMENT]`, words: all of them. Writes one
 * line to stdout, {"ok":true} or {"ok":false,"biz":…,"message":…,"name":…}. */
int dff_files_main(int count, char **words);

#endif
