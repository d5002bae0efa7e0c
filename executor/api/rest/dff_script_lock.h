/*
 * Edit locks of script sets and scripts: only who holds one may change what it is on.
 * Runs in the api processes.
 */
#ifndef DFF_SCRIPT_LOCK_H
#define DFF_SCRIPT_LOCK_H

#include "api/rest/dff_entity.h"

/* Inside a transaction: locks the rows of a script and its set. 404 when one is missing;
 * EBizCondition.<sub> when somebody else has locked one. md5 (may be NULL): gets
 * codeDraftMD5. */
int dff_script_lock_script(dff_web_call_t *call, dff_str_t id, const char *sub, char md5[33],
    dff_err_t *err);
/* The same for a set. */
int dff_script_lock_set(dff_web_call_t *call, dff_str_t id, const char *sub, dff_err_t *err);

/* store hook of isLocked: the caller holds the lock, or nobody does. */
int dff_script_store_lock(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err);

/* Redis is made to say what MySQL says of scripts. */
int dff_script_tell(dff_web_call_t *call, dff_str_t id, dff_err_t *err);
/* Remembers ids of a statement's rows for after the commit, in call->state. */
int dff_script_remember(dff_web_call_t *call, const char *sql, dff_str_t value, dff_err_t *err);
int dff_script_tell_remembered(dff_web_call_t *call, dff_err_t *err);

#endif
