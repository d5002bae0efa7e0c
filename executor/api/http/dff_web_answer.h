/*
 * The answer to a call: the JSON envelope, or other content; and its bytes for SCGI.
 * Keys of the envelope have a fixed order. Runs in the api processes; pure code.
 */
#ifndef DFF_WEB_ANSWER_H
#define DFF_WEB_ANSWER_H

#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

struct dff_web_call_s;

typedef struct {
    dff_buf_t   data;           /* JSON text of "data"; empty: null */
    dff_buf_t   page_info;      /* JSON text; empty: none */
    bool        data_with_error;        /* "data" is there on a failure, too */

    const char *content_type;   /* NULL: the envelope; else content is the body */
    dff_buf_t   content;
    int         status;         /* of content; 0: 200 */
    bool        has_file;       /* the body is a file, from its start, instead of content */
    int         file;           /* its descriptor; closed with the answer */
    uint64_t    file_size;
    dff_buf_t   headers;        /* more of them, "Name: value\r\n"; checked by the adder */

    const char *sub_reason;     /* of a failure: "DuplicatedScriptID"; NULL: none */
    dff_buf_t   detail;         /* JSON text; empty: none */
} dff_web_answer_t;

void dff_web_answer_release(dff_web_answer_t *answer);      /* accepts a zeroed one */

/* Adds the head and the body to out. err NULL: a success. */
void dff_web_answer_write(dff_buf_t *out, struct dff_web_call_s *call, const dff_err_t *err);

/* A header whose value is from outside: what may not stand in one is left out. */
void dff_web_answer_header(dff_web_answer_t *answer, const char *name, dff_str_t value);

/* Content-Disposition of a download: RFC 6266, the name in both forms. */
void dff_web_answer_attachment(dff_web_answer_t *answer, dff_str_t filename);
/* The same of what is shown. */
void dff_web_answer_inline(dff_web_answer_t *answer, dff_str_t filename);

#endif
