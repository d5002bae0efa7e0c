/*
 * A strict JSON reader (RFC 8259) over bytes that stay where they are.
 *
 * It exists beside jansson for two jobs that a tree cannot do: cutting out the
 * exact text of a value (arguments are passed on with their digits, escapes and
 * big integers untouched), and reading the flat head of an envelope without
 * allocating. Where values are to be understood, use jansson.
 *
 * Checks: grammar, depth, UTF-8 (no overlong forms, no surrogates), no raw
 * control characters in strings. Runs in every process; no allocation.
 */
#ifndef DFF_JSON_H
#define DFF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_str.h"

#define DFF_JSON_MAX_DEPTH  128

typedef enum {
    DFF_JSON_OBJECT,
    DFF_JSON_ARRAY,
    DFF_JSON_STRING,
    DFF_JSON_NUMBER,
    DFF_JSON_TRUE,
    DFF_JSON_FALSE,
    DFF_JSON_NULL
} dff_json_type_t;

typedef struct {
    const char *what;      /* constant text: "expected ',' or '}'" */
    size_t      offset;    /* bytes from the start of the document */
    size_t      line;      /* from 1 */
    size_t      column;    /* from 1, in bytes */
} dff_json_fail_t;

typedef struct {
    dff_str_t       key;          /* between the quotes, still escaped */
    dff_str_t       value;        /* the exact text of the value */
    dff_json_type_t type;
    bool            key_escaped;  /* key has a backslash */
} dff_json_member_t;

typedef struct {
    const char *start, *at, *end;
    bool        first, done;
} dff_json_object_t;

/*
 * Checks that data is one JSON value with nothing but white space around it.
 * *value (may be NULL) gets its text without that space, *type (may be NULL)
 * its type. DFF_ERROR: *fail (may be NULL) says what and where.
 */
int dff_json_check(dff_str_t data, dff_str_t *value, dff_json_type_t *type,
    dff_json_fail_t *fail);

/*
 * Walks the members of an object's text, in order, duplicates included.
 * open: DFF_ERROR when the text is not an object. next: 1 with *member filled,
 * 0 at the end, DFF_ERROR on bad JSON. Each value is checked as it is passed.
 */
int dff_json_object_open(dff_json_object_t *it, dff_str_t object);
int dff_json_object_next(dff_json_object_t *it, dff_json_member_t *member,
    dff_json_fail_t *fail);

/* The same for the elements of an array's text; of member, key stays empty. */
typedef dff_json_object_t dff_json_array_t;

int dff_json_array_open(dff_json_array_t *it, dff_str_t array);
int dff_json_array_next(dff_json_array_t *it, dff_json_member_t *member, dff_json_fail_t *fail);

/* Text of a number as integer; DFF_ERROR when it is none or does not fit. */
int dff_json_int64(dff_str_t number, int64_t *value);

/* A string value with its quotes -> the bytes between them, only when they need
 * no unescaping; DFF_ERROR else. */
int dff_json_plain_string(dff_str_t value, dff_str_t *text);

/* Escaped text (without quotes) -> bytes at out, which has room for raw.len.
 * Returns the length. raw must have been checked. A lone surrogate escape
 * becomes U+FFFD. */
size_t dff_json_unescape(dff_str_t raw, char *out);

/* Size of text as the inside of a JSON string, and the writing of it (returns
 * the end). Bytes that are not UTF-8 become U+FFFD. */
size_t dff_json_escaped_size(dff_str_t text);
char *dff_json_escape(char *out, dff_str_t text);

#endif
