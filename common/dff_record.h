/*
 * The record of a task on its way to MySQL: what nginx and the masters put into dff:records,
 * and the api processes write into the tables of sql/0004-records.sql.
 *
 *   record  DFT1 <head> <kwargs> <log> <reply>\n  then the four sections
 *
 * A task has several: queued, running (when it takes a while), its end. They may arrive in
 * any order and more than once; the one that is furthest counts. docs/protocol.md has the
 * layout. Decoded strings point into the bytes. Runs in every process.
 */
#ifndef DFF_RECORD_H
#define DFF_RECORD_H

#include "dff_envelope.h"

#define DFF_RECORDS_MAX      100000     /* in dff:records; the oldest go when there are more */
#define DFF_RECORDS_LAST      99999     /* the same, as LTRIM counts */
#define DFF_RECORD_LOG_MAX    65536     /* bytes; a longer log is cut */

typedef struct {                     /* of a task, on its way to MySQL */
    dff_str_t       id;
    dff_str_t       func_id;
    dff_str_t       origin_id;
    dff_origin_t    origin;
    dff_exec_mode_t exec_mode;
    int             script_version;
    dff_status_t    status;          /* QUEUED, with a start: it runs */
    int64_t         queued_at_ms;
    int64_t         started_at_ms;   /* 0: not yet, never */
    int64_t         ended_at_ms;     /* 0: not yet */
    bool            save_result;     /* kwargs and reply are to be kept, too */
    dff_str_t       kwargs;          /* JSON object; empty: not told */
    dff_str_t       log;             /* what the function wrote, tracebacks included */
    dff_str_t       reply;           /* a whole reply; empty: a success that nobody asks for */
} dff_record_t;

/* Does a job leave records? Those of batches and crontabs do, and with saveResult; not
 * what a function of theirs starts. */
bool dff_record_wanted(const dff_job_t *job);
/* What the job says; status QUEUED, neither log nor reply. */
void dff_record_of_job(dff_record_t *record, const dff_job_t *job);
size_t dff_record_size(const dff_record_t *record);
char *dff_record_write(char *out, const dff_record_t *record);
int dff_record_decode(dff_str_t envelope, dff_record_t *record, dff_err_t *err);

#endif
