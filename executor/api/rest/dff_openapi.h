/*
 * Tables as JSON schemas, for the OpenAPI document. Runs in the api processes; pure code.
 */
#ifndef DFF_OPENAPI_H
#define DFF_OPENAPI_H

#include "api/rest/dff_entity.h"

/* Adds the schema of a property, of a shape, of the rows that an entity shows: in its list
 * (DFF_IN_LIST) or by get; picked: which of them, the query says. */
void dff_openapi_prop(dff_buf_t *out, const dff_prop_t *prop);
void dff_openapi_shape(dff_buf_t *out, const dff_shape_t *shape);
void dff_openapi_row(dff_buf_t *out, const dff_entity_t *entity, unsigned in, bool picked);

#endif
