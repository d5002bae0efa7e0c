/*
 * What several routes answer with, for their rows (dff_endpoint.h). What one route answers
 * with stands beside its row. Constant tables.
 */
#ifndef DFF_ANSWERS_H
#define DFF_ANSWERS_H

#include "api/http/dff_shape.h"

extern const dff_prop_t dff_answer_null;        /* done, and nothing to say */
extern const dff_prop_t dff_answer_id;          /* of what was added, changed or deleted */
extern const dff_prop_t dff_answer_ids;
extern const dff_prop_t dff_answer_sign_in;
extern const dff_prop_t dff_answer_image;       /* what a process is made of */

/* A function that a script exports, as a check of the script has it. */
extern const dff_shape_t dff_answer_func;

#endif
