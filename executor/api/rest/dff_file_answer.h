/*
 * Files of the resource folder as answers. What scripts and callers have put there is shown
 * by browsers only when it is of a kind that can do no harm, and never as a page of ours.
 * Runs in the api processes.
 */
#ifndef DFF_FILE_ANSWER_H
#define DFF_FILE_ANSWER_H

#include "api/http/dff_web.h"
#include "files/dff_file_path.h"

/*
 * The answer is the file, sent in pieces. shows: inline, when its kind may be. DFF_ERROR:
 * *missing tells that there is no such file; else err is why.
 */
int dff_file_answer(dff_web_call_t *call, const dff_file_path_t *path, bool shows, bool *missing,
    dff_err_t *err);

/* Headers of whatever else comes from the resource folder. */
void dff_file_answer_guard(dff_web_answer_t *answer, const char *policy);

/* A folder of the resource folder, to be read. -1: errno. */
int dff_file_answer_folder(dff_web_call_t *call, const dff_file_path_t *path);

#endif
