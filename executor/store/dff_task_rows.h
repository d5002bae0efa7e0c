/*
 * Tasks in MySQL: batch_task_info, crontab_task_info and task_result
 * (sql/0004-records.sql), written from the records of common/dff_record.h.
 *
 * A record may be written again and records may come in any order: the furthest status of
 * a task stays. Runs in the api processes (writing) and dffctl (reading).
 */
#ifndef DFF_TASK_ROWS_H
#define DFF_TASK_ROWS_H

#include "dff_buf.h"
#include "dff_record.h"
#include "store/dff_db.h"

/* Writes all of them in one transaction. DFF_ERROR: none is written. */
int dff_task_rows_write(dff_db_t *db, const dff_record_t *records, size_t count, dff_err_t *err);

/* Appends the saved reply of a task. DFF_E_CLIENT_NOT_FOUND: there is none. */
int dff_task_rows_reply(dff_db_t *db, dff_str_t id, dff_buf_t *reply, dff_err_t *err);

typedef struct {
    dff_db_rows_t rows;
    dff_str_t     status;         /* "queued", "pending", "success", "failure" */
    dff_str_t     origin;         /* "batch", "crontab" */
    dff_str_t     origin_id, func_id;
    int64_t       queued_at_ms, started_at_ms, ended_at_ms;    /* 0: not yet, never */
    dff_str_t     log, einfo;     /* NULL data: none */
} dff_task_row_t;

/* What is known of a task of a batch or a crontab. DFF_E_CLIENT_NOT_FOUND: nothing. */
int dff_task_rows_find(dff_db_t *db, dff_str_t id, dff_task_row_t *row, dff_err_t *err);
void dff_task_row_release(dff_task_row_t *row);            /* accepts a zeroed one */

#endif
