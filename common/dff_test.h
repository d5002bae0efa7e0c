/* What the cmocka tests of common/ share. Included by *_test.c only. */
#ifndef DFF_TEST_H
#define DFF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dff_str.h"

#define DFF_TEST_COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))

/* A heap copy of exactly its size, so that a sanitizer sees one byte too far. */
static inline dff_str_t
dff_test_exact(dff_str_t text)
{
    char *copy = malloc(text.len == 0 ? 1 : text.len);

    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return (dff_str_t) { copy, text.len };
}

static inline void
dff_test_free(dff_str_t text)
{
    free((void *) (uintptr_t) text.data);
}

/* A file of the tree, by its path from the top; the caller frees it. Tests run
 * from the top, or with DFF_SOURCE_DIR set to it. */
static inline char *
dff_test_read_file(const char *path)
{
    const char *top = getenv("DFF_SOURCE_DIR");
    char        full[1024];
    char       *text = NULL;
    size_t      size = 0;
    FILE       *file;

    (void) snprintf(full, sizeof(full), "%s/%s", top == NULL ? "." : top, path);
    file = fopen(full, "re");
    if (file == NULL)
        fail_msg("%s cannot be opened: run from the top of the tree, or set DFF_SOURCE_DIR", full);
    if (getdelim(&text, &size, '\0', file) < 0)
        fail_msg("%s cannot be read", full);
    (void) fclose(file);
    return text;
}

static inline void
dff_test_str_is(dff_str_t text, const char *expected)
{
    if (!dff_str_eq(text, dff_str_from(expected)))
        fail_msg("expected <%s>, got <%.*s>", expected, (int) text.len, text.data);
}

#endif
