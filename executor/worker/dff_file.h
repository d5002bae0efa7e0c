/*
 * Pieces of files of this node's resource folder, for a node that has to send one and does
 * not share the folder (docs/protocol.md, jobs of kind `file`). Runs in a worker, as the
 * scripts' user, so that nothing is read which a script could not read.
 */
#ifndef DFF_FILE_H
#define DFF_FILE_H

#include "dff_envelope.h"
#include "dff_worker.h"

#define DFF_FILE_PIECE_MAX  (1u << 20)

/* kwargs {"path","offset","size","delete"}: up to size bytes into worker->body, and
 * {"size","mtime","state"} of the whole into worker->control; pieces of one state are of one
 * content (dff_piece.h). delete: removes the file when the piece was its last. -1: an exception
 * is set. */
int dff_file_read(dff_worker_t *worker, const dff_job_t *job);

#endif
