/*
 * Records as flat JSON objects: a table says which member of a struct is which
 * field, and reading, checking, measuring and writing follow the table. The heads
 * of jobs and replies, routes and scripts are such records.
 *
 * Reading takes strangers' bytes, in one pass and without allocating: strings and
 * texts point into them. Unknown fields are passed over, so that a writer of a
 * later build may add some. A field that is left out keeps what the struct has.
 * Internal to common/.
 */
#ifndef DFF_FIELDS_H
#define DFF_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_err.h"
#include "dff_str.h"

typedef enum {
    DFF_FIELD_STR,        /* dff_str_t: string without escapes, 1 to max bytes; empty: left out */
    DFF_FIELD_INT,        /* int, min to max */
    DFF_FIELD_INT64,      /* int64_t, min to max */
    DFF_FIELD_BOOL,       /* bool */
    DFF_FIELD_ENUM,       /* int-sized enum, spelt as names[value] */
    DFF_FIELD_OBJECT,     /* dff_str_t: exact text of an object; empty: null */
    DFF_FIELD_ARRAY,      /* dff_str_t: exact text of an array */
    DFF_FIELD_STRING,     /* dff_str_t: exact text of a string with its quotes and escapes */
    DFF_FIELD_NUMBER,     /* dff_str_t: exact text of a number */
    DFF_FIELD_VERSION     /* int: max is the only one that this build reads */
} dff_field_kind_t;

#define DFF_FIELD_REQUIRED  1u    /* reading: missing is an error */
#define DFF_FIELD_ALWAYS    2u    /* writing: also when it is 0, false or empty */

typedef struct {
    const char        *quoted;            /* "\"id\":" */
    size_t             quoted_len;
    size_t             offset;
    dff_field_kind_t   kind;
    unsigned           flags;
    int64_t            min, max;
    const char *const *names;             /* ENUM: max + 1 of them */
    bool             (*check)(dff_str_t); /* STR; NULL: any */
} dff_field_t;

#define DFF_FIELD_NAME(text)  "\"" text "\":", sizeof("\"" text "\":") - 1

#define DFF_FIELDS_MAX  32

typedef struct {
    const char        *noun;              /* for messages: "job head" */
    const dff_field_t *rows;
    size_t             count;             /* up to DFF_FIELDS_MAX */
} dff_fields_t;

#define DFF_FIELDS(noun, rows)  { (noun), (rows), sizeof(rows) / sizeof((rows)[0]) }

/* Reads the object's text into record. */
int dff_fields_read(const dff_fields_t *fields, dff_str_t object, void *record, dff_err_t *err);

/* Would dff_fields_read accept what is written of record? OBJECT, ARRAY, STRING
 * and NUMBER texts are taken on trust. */
int dff_fields_check(const dff_fields_t *fields, const void *record, dff_err_t *err);

size_t dff_fields_size(const dff_fields_t *fields, const void *record);
char *dff_fields_write(const dff_fields_t *fields, char *out, const void *record);

#endif
