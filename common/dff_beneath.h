/*
 * Files below a folder that strangers write to: paths that cannot lead out of it.
 *
 * The resource folder belongs to the user of the scripts, who may put links and pipes
 * there. A path is walked one name at a time and no link is followed in it; "..", "." and
 * empty names are refused, a pipe does not block. Runs in every process; may wait for a
 * disk, as open() does.
 */
#ifndef DFF_BENEATH_H
#define DFF_BENEATH_H

#include <stdbool.h>

#include "dff_str.h"

#define DFF_BENEATH_PATH_MAX  1024

/* The folder that a path (relative, "a/b/c") ends in, and its last name within path.
 * -1: errno says why. Close the descriptor. */
int dff_beneath_folder(const char *root, dff_str_t path, dff_str_t *name);

/* A regular file for reading. -1: errno says why (EISDIR for a folder, EINVAL for anything
 * else that is no file). *folder (may be NULL) gets the descriptor of its folder. */
int dff_beneath_open(const char *root, dff_str_t path, int *folder);

/* Removes name from a folder of the above; a folder is not removed. */
int dff_beneath_unlink(int folder, dff_str_t name);

#endif
