/*
 * Splits migration files into statements. Runs in dffctl.
 */
#include "store/dff_sql_split.h"

#include <stdbool.h>
#include <stdlib.h>

#include "dff_buf.h"

#include "dff_banned.h"

typedef struct {
    const char           *at, *end;
    unsigned              line;
    unsigned              begin_line;   /* of the statement at hand */
    dff_buf_t             text;         /* of the statement at hand */
    dff_sql_statements_t *out;
    dff_err_t            *err;
} dff_sql_splitter_t;


static bool
dff_sql_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}


static char
dff_sql_peek(const dff_sql_splitter_t *sp, size_t ahead)
{
    return (size_t) (sp->end - sp->at) > ahead ? sp->at[ahead] : '\0';
}


/* Takes one byte into the statement; space before the first word is dropped. */
static void
dff_sql_take(dff_sql_splitter_t *sp)
{
    char c = *sp->at++;

    if (sp->text.len == 0) {
        if (dff_sql_is_space(c)) {
            sp->line += c == '\n';
            return;
        }
        sp->begin_line = sp->line;
    }
    sp->line += c == '\n';
    dff_buf_add(&sp->text, &c, 1);
}


static int
dff_sql_quoted(dff_sql_splitter_t *sp)
{
    char     quote = *sp->at;
    unsigned line = sp->line;

    dff_sql_take(sp);
    while (sp->at < sp->end) {
        if (*sp->at == '\\' && quote != '`' && sp->end - sp->at > 1) {
            dff_sql_take(sp);
            dff_sql_take(sp);
            continue;
        }
        /* A doubled quote is a quote inside: two quoted runs that touch. */
        if (*sp->at == quote) {
            dff_sql_take(sp);
            return DFF_OK;
        }
        dff_sql_take(sp);
    }
    return dff_err_set(sp->err, DFF_E_SYS, "line %u: %c without its end", line, quote);
}


static void
dff_sql_line_comment(dff_sql_splitter_t *sp)
{
    while (sp->at < sp->end && *sp->at != '\n') {
        sp->at++;
    }
}


static int
dff_sql_block_comment(dff_sql_splitter_t *sp)
{
    unsigned line = sp->line;

    if (dff_sql_peek(sp, 2) == '!' || (dff_sql_peek(sp, 2) == 'M' && dff_sql_peek(sp, 3) == '!')) {
        return dff_err_set(sp->err, DFF_E_SYS,
                           "line %u: executable comments are not used in migrations", line);
    }
    for (sp->at += 2; sp->at < sp->end; sp->at++) {
        if (*sp->at == '*' && dff_sql_peek(sp, 1) == '/') {
            sp->at += 2;
            /* A comment separates words: SELECT, comment, 1 is not SELECT1. */
            if (sp->text.len > 0) {
                dff_buf_add_str(&sp->text, DFF_STR(" "));
            }
            return DFF_OK;
        }
        sp->line += *sp->at == '\n';
    }
    return dff_err_set(sp->err, DFF_E_SYS, "line %u: comment without its end", line);
}


static int
dff_sql_finish(dff_sql_splitter_t *sp)
{
    dff_sql_statement_t *items;

    while (sp->text.len > 0 && dff_sql_is_space(sp->text.data[sp->text.len - 1])) {
        sp->text.data[--sp->text.len] = '\0';
    }
    if (sp->text.len == 0) {
        return DFF_OK;
    }

    items = reallocarray(sp->out->items, sp->out->count + 1, sizeof(*items));
    if (items == NULL || dff_buf_failed(&sp->text)) {
        if (items != NULL) {
            sp->out->items = items;
        }
        return dff_err_set(sp->err, DFF_E_SYS, "out of memory");
    }
    sp->out->items = items;
    items[sp->out->count++] = (dff_sql_statement_t) {
        .text = dff_buf_take(&sp->text, NULL), .line = sp->begin_line
    };
    return DFF_OK;
}


static int
dff_sql_step(dff_sql_splitter_t *sp)
{
    char c = *sp->at;
    char next = dff_sql_peek(sp, 1);

    switch (c) {
    case '\0':
        return dff_err_set(sp->err, DFF_E_SYS, "line %u: NUL byte", sp->line);
    case '\'':
    case '"':
    case '`':
        return dff_sql_quoted(sp);
    case ';':
        sp->at++;
        return dff_sql_finish(sp);
    case '#':
        dff_sql_line_comment(sp);
        return DFF_OK;
    case '-':
        /* "--" begins a comment only before white space: 5--1 is arithmetic. */
        if (next == '-' && (sp->end - sp->at == 2 || dff_sql_is_space(sp->at[2]))) {
            dff_sql_line_comment(sp);
            return DFF_OK;
        }
        break;
    case '/':
        if (next == '*') {
            return dff_sql_block_comment(sp);
        }
        break;
    default:
        break;
    }
    dff_sql_take(sp);
    return DFF_OK;
}


int
dff_sql_split(dff_str_t file, dff_sql_statements_t *statements, dff_err_t *err)
{
    dff_sql_splitter_t sp = {
        .at = file.data, .end = file.data + file.len, .line = 1,
        .text = DFF_BUF_INIT, .out = statements, .err = err
    };
    int                rc = DFF_OK;

    *statements = (dff_sql_statements_t) { 0 };
    while (rc == DFF_OK && sp.at < sp.end) {
        rc = dff_sql_step(&sp);
    }
    if (rc == DFF_OK) {
        rc = dff_sql_finish(&sp);     /* the last semicolon may be missing */
    }

    dff_buf_release(&sp.text);
    if (rc != DFF_OK) {
        dff_sql_statements_release(statements);
    }
    return rc;
}


void
dff_sql_statements_release(dff_sql_statements_t *statements)
{
    for (size_t i = 0; i < statements->count; i++) {
        free(statements->items[i].text);
    }
    free(statements->items);
    *statements = (dff_sql_statements_t) { 0 };
}
