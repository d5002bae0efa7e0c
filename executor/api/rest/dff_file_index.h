/*
 * A folder as a page of HTML. File names are strangers' texts. Runs in the api processes.
 */
#ifndef DFF_FILE_INDEX_H
#define DFF_FILE_INDEX_H

#include "api/http/dff_web.h"

/* folder: a descriptor, which it takes. top: no way up. */
int dff_file_index(dff_web_call_t *call, int folder, bool top, dff_err_t *err);

#endif
