/* Tasks in MySQL: see the header. */
#include "store/dff_task_rows.h"

#include <jansson.h>
#include <string.h>

#include "store/dff_task_value.h"

#include "dff_banned.h"

#define DFF_TASK_ROWS_MANY    32            /* rows of one statement */
#define DFF_TASK_ROWS_BYTES   (1u << 20)    /* of their texts; well below max_allowed_packet */
#define DFF_TASK_COLUMNS_MAX  13

_Static_assert(DFF_TASK_ROWS_MANY * DFF_TASK_COLUMNS_MAX <= DFF_DB_MAX_VALUES,
               "the values of one statement");

/* --- the tables ------------------------------------------------------------------ */

typedef enum { DFF_TASK_BATCH, DFF_TASK_CRONTAB, DFF_TASK_RESULT, DFF_TASK_TABLES } dff_task_t;

/* A text that is made for a row, kept until its statement has run. */
typedef struct {
    dff_buf_t texts[DFF_TASK_ROWS_MANY][2];
} dff_task_texts_t;

/* status never goes back; what a later record does not know stays. */
#define DFF_TASK_STATUSES  "'queued', 'pending', 'success', 'failure'"
#define DFF_TASK_INFO(table, link) \
    .columns = 10, \
    .insert = "INSERT INTO " table " (id, " link ", funcId, scriptPublishVersion, queueTime," \
              " startTime, endTime, status, logMessageTEXT, einfoTEXT) VALUES ", \
    .group = "(?, ?, ?, ?, FROM_UNIXTIME(? / 1000), FROM_UNIXTIME(? / 1000)," \
             " FROM_UNIXTIME(? / 1000), ?, ?, ?)", \
    .update = " ON DUPLICATE KEY UPDATE startTime = COALESCE(VALUES(startTime), startTime)," \
              " endTime = COALESCE(VALUES(endTime), endTime)," \
              " logMessageTEXT = COALESCE(VALUES(logMessageTEXT), logMessageTEXT)," \
              " einfoTEXT = COALESCE(VALUES(einfoTEXT), einfoTEXT)," \
              " status = IF(FIELD(VALUES(status), " DFF_TASK_STATUSES ")" \
              " > FIELD(status, " DFF_TASK_STATUSES "), VALUES(status), status)", \
    .find = "SELECT status, " link ", funcId," \
            " CAST(UNIX_TIMESTAMP(queueTime) * 1000 AS SIGNED)," \
            " CAST(UNIX_TIMESTAMP(startTime) * 1000 AS SIGNED)," \
            " CAST(UNIX_TIMESTAMP(endTime) * 1000 AS SIGNED)," \
            " logMessageTEXT, einfoTEXT FROM " table " WHERE id = ?"

static const struct {
    size_t      columns;
    const char *insert, *group, *update;
    const char *find, *origin;
} dff_task_tables[DFF_TASK_TABLES] = {
    [DFF_TASK_BATCH] = { DFF_TASK_INFO("batch_task_info", "batchId"), .origin = "batch" },
    [DFF_TASK_CRONTAB] = {
        DFF_TASK_INFO("crontab_task_info", "crontabConfigId"), .origin = "crontab",
    },
    [DFF_TASK_RESULT] = {
        .columns = 13,
        .insert = "INSERT INTO task_result (id, task, origin, originId, funcId, execMode,"
                  " startTime, endTime, argsJSON, kwargsJSON, retvalJSON, status, einfoTEXT)"
                  " VALUES ",
        .group = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        .update = " ON DUPLICATE KEY UPDATE id = VALUES(id)",
    },
};


static bool
dff_task_is_of(const dff_record_t *record, dff_task_t table)
{
    switch (table) {
    case DFF_TASK_BATCH:
        return record->origin == DFF_ORIGIN_BATCH;
    case DFF_TASK_CRONTAB:
        return record->origin == DFF_ORIGIN_CRONTAB;
    case DFF_TASK_RESULT:
    default:
        return record->save_result && record->status != DFF_STATUS_QUEUED;
    }
}

/* --- rows ------------------------------------------------------------------------- */

static const char *
dff_task_status(const dff_record_t *record)
{
    if (record->status == DFF_STATUS_QUEUED) {
        return record->started_at_ms == 0 ? "queued" : "pending";
    }
    return record->status == DFF_STATUS_SUCCESS ? "success" : "failure";
}


/* einfoTEXT of a failure into text; NULL data: it has none. */
static dff_str_t
dff_task_einfo(const dff_reply_t *reply, dff_buf_t *text)
{
    json_t     *told;
    const char *einfo;

    if (reply->status == DFF_STATUS_SUCCESS) {
        return DFF_STR_NULL;
    }
    told = json_loadb(reply->body.data, reply->body.len, JSON_ALLOW_NUL, NULL);
    einfo = json_string_value(json_object_get(told, "einfoTEXT"));
    dff_buf_add_str(text, dff_str_from(einfo == NULL ? "" : einfo));
    json_decref(told);
    return text->len == 0 ? DFF_STR_NULL : (dff_str_t) { text->data, text->len };
}


static dff_db_value_t
dff_task_number(int64_t number)
{
    return number == 0 ? DFF_DB_VALUE_NULL : DFF_DB_VALUE_INT(number);
}


static dff_db_value_t
dff_task_text(dff_str_t text)
{
    return text.len == 0 ? DFF_DB_VALUE_NULL : DFF_DB_VALUE_TEXT(text);
}


static void
dff_task_info_row(const dff_record_t *record, dff_str_t einfo, dff_db_value_t *values)
{
    *values++ = DFF_DB_VALUE_TEXT(record->id);
    *values++ = DFF_DB_VALUE_TEXT(record->origin_id.len == 0 ? DFF_STR("") : record->origin_id);
    *values++ = DFF_DB_VALUE_TEXT(record->func_id);
    *values++ = dff_task_number(record->script_version);
    *values++ = dff_task_number(record->queued_at_ms);
    *values++ = dff_task_number(record->started_at_ms);
    *values++ = dff_task_number(record->ended_at_ms);
    *values++ = DFF_DB_VALUE_TEXT(dff_str_from(dff_task_status(record)));
    *values++ = dff_task_text(record->log);
    *values = dff_task_text(einfo);
}


static void
dff_task_result_row(const dff_record_t *record, const dff_reply_t *reply, dff_str_t einfo,
    dff_buf_t *value, dff_db_value_t *values)
{
    bool success = record->status == DFF_STATUS_SUCCESS;

    dff_task_value_write(value, reply);
    *values++ = DFF_DB_VALUE_TEXT(record->id);
    *values++ = DFF_DB_VALUE_TEXT(DFF_STR("func"));
    *values++ = DFF_DB_VALUE_TEXT(dff_str_from(dff_origin_name(record->origin)));
    *values++ = dff_task_text(record->origin_id);
    *values++ = DFF_DB_VALUE_TEXT(record->func_id);
    *values++ = DFF_DB_VALUE_TEXT(dff_str_from(dff_exec_mode_name(record->exec_mode)));
    *values++ = dff_task_number(record->started_at_ms / 1000);
    *values++ = dff_task_number(record->ended_at_ms / 1000);
    *values++ = DFF_DB_VALUE_TEXT(DFF_STR("[]"));
    *values++ = dff_task_text(record->kwargs);
    *values++ = DFF_DB_VALUE_TEXT(((dff_str_t) { value->data, value->len }));
    *values++ = DFF_DB_VALUE_TEXT(success ? DFF_STR("SUCCESS") : DFF_STR("FAILURE"));
    *values = dff_task_text(einfo);
}


/* The values of one row. texts: two buffers for what is made for it. */
static int
dff_task_row(dff_task_t table, const dff_record_t *record, dff_buf_t texts[2],
    dff_db_value_t *values, dff_err_t *err)
{
    dff_reply_t reply = { .status = record->status };
    dff_str_t   einfo;

    if (record->reply.len > 0 && dff_reply_decode(record->reply, &reply, err) != DFF_OK) {
        return DFF_ERROR;
    }
    einfo = dff_task_einfo(&reply, &texts[0]);
    if (table == DFF_TASK_RESULT) {
        dff_task_result_row(record, &reply, einfo, &texts[1], values);
    } else {
        dff_task_info_row(record, einfo, values);
    }
    if (dff_buf_failed(&texts[0]) || dff_buf_failed(&texts[1])) {
        return dff_err_set(err, DFF_E_SYS, "out of memory for the record of a task");
    }
    return DFF_OK;
}

/* --- writing ----------------------------------------------------------------------- */

static int
dff_task_insert(dff_db_t *db, dff_task_t table, const dff_db_value_t *values, size_t nrows,
    dff_err_t *err)
{
    size_t    nvalues = nrows * dff_task_tables[table].columns;
    dff_buf_t sql = DFF_BUF_INIT;
    int       rc;

    if (nrows == 0) {
        return DFF_OK;
    }
    dff_buf_add_str(&sql, dff_str_from(dff_task_tables[table].insert));
    for (size_t i = 0; i < nrows; i++) {
        dff_buf_addf(&sql, "%s%s", i == 0 ? "" : ", ", dff_task_tables[table].group);
    }
    dff_buf_add_str(&sql, dff_str_from(dff_task_tables[table].update));
    if (dff_buf_failed(&sql)) {
        rc = dff_err_set(err, DFF_E_SYS, "out of memory for a statement");
    } else if (nrows == DFF_TASK_ROWS_MANY) {
        rc = dff_db_exec_kept(db, sql.data, values, nvalues, err);
    } else {
        rc = dff_db_exec(db, sql.data, values, nvalues, NULL, err);
    }
    dff_buf_release(&sql);
    return rc;
}


typedef struct {
    const dff_record_t *records;
    size_t              count;
} dff_task_rows_t;


/* How far the task was: only ends have more to tell than their status and times. */
static int
dff_task_stage(const dff_record_t *record)
{
    if (record->status != DFF_STATUS_QUEUED) {
        return 2;
    }
    return record->started_at_ms == 0 ? 0 : 1;
}


/* Is all that the record says said by another one of the batch? Of a short task both are
 * in it, most often, and one row is half the work. */
static bool
dff_task_is_outdated(const dff_task_rows_t *all, size_t at)
{
    const dff_record_t *record = &all->records[at];
    int                 stage = dff_task_stage(record);

    if (stage == 2 || record->log.len > 0) {
        return false;
    }
    for (size_t i = 0; i < all->count; i++) {
        const dff_record_t *other = &all->records[i];

        if (dff_task_stage(other) > stage && dff_str_eq(other->id, record->id)
            && other->origin == record->origin
            && (record->started_at_ms == 0 || other->started_at_ms != 0))
        {
            return true;
        }
    }
    return false;
}


/* As many statements as there are, each of up to so many rows and bytes. */
static int
dff_task_write_table(dff_db_t *db, dff_task_t table, const dff_task_rows_t *all, dff_err_t *err)
{
    dff_db_value_t   values[DFF_TASK_ROWS_MANY * DFF_TASK_COLUMNS_MAX];
    dff_task_texts_t made = { 0 };
    size_t           columns = dff_task_tables[table].columns, nrows = 0, bytes = 0;
    int              rc = DFF_OK;

    for (size_t i = 0; i < all->count && rc == DFF_OK; i++) {
        const dff_record_t *record = &all->records[i];

        if (!dff_task_is_of(record, table)
            || (table != DFF_TASK_RESULT && dff_task_is_outdated(all, i)))
        {
            continue;
        }
        dff_buf_clear(&made.texts[nrows][0]);
        dff_buf_clear(&made.texts[nrows][1]);
        rc = dff_task_row(table, record, made.texts[nrows], values + nrows * columns, err);
        bytes += record->log.len + record->reply.len + record->kwargs.len;
        nrows++;
        if (rc == DFF_OK && (nrows == DFF_TASK_ROWS_MANY || bytes >= DFF_TASK_ROWS_BYTES)) {
            rc = dff_task_insert(db, table, values, nrows, err);
            nrows = bytes = 0;
        }
    }
    if (rc == DFF_OK) {
        rc = dff_task_insert(db, table, values, nrows, err);
    }
    for (size_t i = 0; i < DFF_TASK_ROWS_MANY; i++) {
        dff_buf_release(&made.texts[i][0]);
        dff_buf_release(&made.texts[i][1]);
    }
    return rc;
}


static int
dff_task_write_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    for (int table = 0; table < DFF_TASK_TABLES; table++) {
        if (dff_task_write_table(db, (dff_task_t) table, ctx, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


int
dff_task_rows_write(dff_db_t *db, const dff_record_t *records, size_t count, dff_err_t *err)
{
    dff_task_rows_t all = { records, count };

    return dff_db_transaction_brief(db, dff_task_write_body, &all, err);
}

/* --- reading ------------------------------------------------------------------------ */

int
dff_task_rows_reply(dff_db_t *db, dff_str_t id, dff_buf_t *reply, dff_err_t *err)
{
    dff_db_value_t args[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows = { 0 };
    int            rc;

    if (dff_db_query(db, "SELECT retvalJSON FROM task_result WHERE id = ?", DFF_DB_ARGS(args),
                     &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = rows.nrows == 0
        ? dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no result of %.*s was saved", (int) id.len,
                      id.data)
        : dff_task_value_read(dff_db_cell(&rows, 0, 0), id, reply, err);
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_task_rows_find(dff_db_t *db, dff_str_t id, dff_task_row_t *row, dff_err_t *err)
{
    dff_db_value_t args[] = { DFF_DB_VALUE_TEXT(id) };

    memset(row, 0, sizeof(*row));
    for (int table = DFF_TASK_BATCH; table <= DFF_TASK_CRONTAB; table++) {
        if (dff_db_query(db, dff_task_tables[table].find, DFF_DB_ARGS(args), &row->rows, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
        if (row->rows.nrows > 0) {
            row->origin = dff_str_from(dff_task_tables[table].origin);
            row->status = dff_db_cell(&row->rows, 0, 0);
            row->origin_id = dff_db_cell(&row->rows, 0, 1);
            row->func_id = dff_db_cell(&row->rows, 0, 2);
            row->queued_at_ms = dff_db_number(dff_db_cell(&row->rows, 0, 3));
            row->started_at_ms = dff_db_number(dff_db_cell(&row->rows, 0, 4));
            row->ended_at_ms = dff_db_number(dff_db_cell(&row->rows, 0, 5));
            row->log = dff_db_cell(&row->rows, 0, 6);
            row->einfo = dff_db_cell(&row->rows, 0, 7);
            return DFF_OK;
        }
        dff_task_row_release(row);
    }
    return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "MySQL knows no task %.*s", (int) id.len,
                       id.data);
}


void
dff_task_row_release(dff_task_row_t *row)
{
    dff_db_rows_release(&row->rows);
    memset(row, 0, sizeof(*row));
}
