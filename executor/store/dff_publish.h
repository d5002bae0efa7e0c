/*
 * Publishing a script: a worker runs it to see what it exports, MySQL takes code,
 * functions and history as one transaction, Redis gets it and everybody is told.
 * Nothing is stored when the check fails. Runs in dffctl and the api processes.
 */
#ifndef DFF_PUBLISH_H
#define DFF_PUBLISH_H

#include "dff_arena.h"
#include "dff_buf.h"
#include "dff_digest.h"
#include "dff_envelope.h"
#include "store/dff_db.h"
#include "store/dff_func.h"
#include "store/dff_rcmd.h"
#include "store/dff_sync.h"

#define DFF_PUBLISH_CODE_MAX         (2u << 20)     /* bytes; MySQL 5.7 takes 4 MiB packets */
#define DFF_PUBLISH_CHECK_TIMEOUT_S  60

typedef struct {
    const char *script_id;
    dff_str_t   code;       /* as the user has it; each TAB becomes 4 spaces */
    const char *title;      /* NULL: stays */
    const char *note;       /* of the history row; NULL: none */
    int         queue;      /* that the check runs on */
    bool        create;     /* script and set are made when they are missing, else 404 */
    bool        keep_draft; /* the draft stays: the code was taken from it before */
    /* Inside the transaction, script and set are locked: may it be? NULL: it may. */
    int       (*allow)(dff_db_t *db, void *ctx, dff_err_t *err);
    void       *allow_ctx;
} dff_publish_request_t;

typedef struct {
    bool             stored;    /* MySQL has it; with DFF_ERROR: Redis has not */
    int              version;
    dff_funcs_t      funcs;
    dff_sync_count_t count;
    char            *failure;   /* check failed: the worker's JSON, in full; else NULL */
} dff_publish_result_t;

/* A publish in steps, for those who do not wait for the worker: begin, then a job that
 * somebody runs, checked with its reply, store, end. */
typedef struct {
    const dff_publish_request_t *request;       /* lives until the end */
    dff_publish_result_t        *result;
    dff_str_t                    set_id, script_id;
    dff_buf_t                    code;          /* without TABs */
    char                         md5[DFF_DIGEST_MD5_SIZE];
    char                        *kwargs;        /* of the job */
} dff_publish_t;

int dff_publish_begin(dff_publish_t *publish, const dff_publish_request_t *request,
    dff_publish_result_t *result, dff_err_t *err);
/* Fills job, whose texts live until the end. */
int dff_publish_job(dff_publish_t *publish, dff_job_t *job, dff_err_t *err);
int dff_publish_checked(dff_publish_t *publish, const dff_reply_t *reply, dff_err_t *err);
int dff_publish_store(dff_db_t *db, dff_rcmd_t *rcmd, dff_publish_t *publish, dff_err_t *err);
void dff_publish_end(dff_publish_t *publish);       /* accepts a zeroed one */

/* Code as it is stored: each TAB becomes 4 spaces; refused: too long, a NUL. */
int dff_publish_expand_tabs(dff_str_t code, dff_buf_t *out, dff_err_t *err);
/* The same in an arena, with its MD5. */
int dff_publish_code(dff_arena_t *arena, dff_str_t given, dff_str_t *code, dff_str_t *md5,
    dff_err_t *err);

/*
 * All of it, waiting for the worker. DFF_ERROR: err has the reason (DFF_E_SCRIPT_PRE_CHECK:
 * the script raised, its text is what the worker reported), and result->stored how far it
 * came: when it is true, dff_sync_script (dffctl db publish-all) is the repair.
 */
int dff_publish_run(dff_db_t *db, dff_rcmd_t *rcmd, const dff_config_t *cfg,
    const dff_publish_request_t *request, dff_publish_result_t *result, dff_err_t *err);
void dff_publish_release(dff_publish_result_t *result);     /* accepts a zeroed one */

/* Scripts in the order of ids: id, title, publishVersion, functions, unpublished
 * edits (0, 1), updateTime. */
int dff_publish_list(dff_db_t *db, dff_db_rows_t *rows, dff_err_t *err);

#endif
