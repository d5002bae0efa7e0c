/*
 * What job envelopes, replies and records have in common: a first line with the lengths of
 * the sections that follow it without separators, the first of which, the head, is a flat
 * JSON object by a table of fields.
 *
 *   <magic>1 <length> <length> <length>\n
 *
 * Reading takes strangers' bytes and points into them. Internal to common/.
 */
#ifndef DFF_SECTIONS_H
#define DFF_SECTIONS_H

#include "dff_fields.h"

#define DFF_SECTIONS_MAX  4

typedef struct {
    char                magic[4];
    const char         *noun;         /* for messages */
    const dff_fields_t *head;
    int                 count;        /* sections, with the head: 3 or 4 */
} dff_sections_t;

/* head: the struct of the table. rest: the other sections. */
size_t dff_sections_size(const dff_sections_t *kind, const void *head, const dff_str_t *rest);
char *dff_sections_write(const dff_sections_t *kind, char *out, const void *head,
    const dff_str_t *rest);
int dff_sections_read(const dff_sections_t *kind, dff_str_t bytes, void *head,
    dff_str_t rest[DFF_SECTIONS_MAX], dff_err_t *err);

#endif
