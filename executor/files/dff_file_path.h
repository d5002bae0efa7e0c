/*
 * Paths that callers of the management API give: relative to the resource folder, with or
 * without a slash in front. Runs in the api processes and in `dff-executor --files`; pure
 * code.
 */
#ifndef DFF_FILE_PATH_H
#define DFF_FILE_PATH_H

#include <stdbool.h>

#include "dff_beneath.h"
#include "dff_err.h"
#include "dff_str.h"

#define DFF_FILE_NAME_MAX  255      /* bytes of one name, as file systems have it */
/* Ours, in the resource folder: what is being made, until it is complete. */
#define DFF_FILE_TEMPORARY  ".api"

typedef struct {
    char   text[DFF_BENEATH_PATH_MAX];      /* "a/b/c", "" : the resource folder itself */
    size_t len;
} dff_file_path_t;

/*
 * Reads a path: names between slashes, "." and empty ones left out. Refused, with
 * DFF_E_BIZ_CONDITION and what is wrong: "..", control characters, what is no UTF-8, what is
 * too long.
 */
int dff_file_path_read(dff_file_path_t *path, dff_str_t text, dff_err_t *err);
/* Adds more names, read in the same way. */
int dff_file_path_add(dff_file_path_t *path, dff_str_t text, dff_err_t *err);

static inline dff_str_t
dff_file_path_str(const dff_file_path_t *path)
{
    return (dff_str_t) { path->text, path->len };
}

/* The last name; "" of the resource folder. */
dff_str_t dff_file_path_name(const dff_file_path_t *path);
/* Cuts the last name off. */
void dff_file_path_up(dff_file_path_t *path);
/* Is inner outer itself, or below it? */
bool dff_file_path_within(const dff_file_path_t *inner, const dff_file_path_t *outer);

/* Callers' uploads, large results, what is being made: nobody's to read or write here. */
bool dff_file_path_is_private(const dff_file_path_t *path);
/* May it be made, replaced, moved or removed? Not the resource folder, not the private
 * folders, not that of the Python packages. */
bool dff_file_path_is_writable(const dff_file_path_t *path);

/* One name, as a path has it: not empty, not "." or "..", no slash, … */
bool dff_file_name_ok(dff_str_t name);

#endif
