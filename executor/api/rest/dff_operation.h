/*
 * Records of operations: who changed what, when, from where. Written when the answer is
 * known, for every request to a route whose privilege writes. Secrets are hidden.
 * Runs in the api processes.
 */
#ifndef DFF_OPERATION_H
#define DFF_OPERATION_H

#include "api/http/dff_web.h"

extern const struct dff_entity_s dff_operation_entity;

/* err NULL: a success. A record that cannot be written is logged; the request goes on. */
void dff_operation_write(dff_web_call_t *call, const dff_err_t *err);

#endif
