/* Records of tasks into MySQL: see the header. */
#include "api/dff_records.h"

#include <stdlib.h>
#include <string.h>

#include "dff_keys.h"
#include "dff_record.h"
#include "dff_time.h"

#include "store/dff_task_rows.h"

#include "dff_banned.h"

#define DFF_RECORDS_RETRY_MAX_MS  30000
#define DFF_RECORDS_BLAMED        (1u << 20)    /* bytes of a record that may be too large */
#define DFF_RECORDS_BAD_KEEP      100           /* docs/protocol.md, dff:bad */

struct dff_records_s {
    dff_api_t    *api;
    struct event *more;             /* the next batch, when there is one already */
    char          name[DFF_ID_SIZE];
    bool          held;             /* as far as we know: we are the writer */
    bool          away;             /* it was logged that MySQL does not take them */
    bool          full;             /* likewise that the list is full */
    int           retry_ms;         /* after a failure; 0: none */
    int64_t       retry_at_ms;      /* monotonic */
};

/* KEYS writer, records, writing; ARGV name, hold in ms, records, bytes. nil: another writes.
 * Else the length of records and the batch at hand, newest first. */
static const char dff_records_take[] =
    "local writer = redis.call('GET', KEYS[1]) "
    "if writer and writer ~= ARGV[1] then return false end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "local count, bytes = redis.call('LLEN', KEYS[3]), 0 "
    "local most = count == 0 and tonumber(ARGV[3]) or 0 "
    "while count < most and bytes < tonumber(ARGV[4]) do "
        "local record = redis.call('RPOPLPUSH', KEYS[2], KEYS[3]) "
        "if not record then break end "
        "count, bytes = count + 1, bytes + #record "
    "end "
    "return {redis.call('LLEN', KEYS[2]), redis.call('LRANGE', KEYS[3], 0, -1)}";

/* KEYS writer, writing; ARGV name. Not when another has taken over: it has the batch. */
static const char dff_records_done[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[2]) end return 1";

/* KEYS writer; ARGV name. */
static const char dff_records_leave[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1";

static void dff_records_turn(dff_records_t *records);

static void
dff_records_on_more(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    (void) what;
    dff_records_turn(ctx);
}

dff_records_t *
dff_records_new(dff_api_t *api)
{
    dff_records_t *records = calloc(1, sizeof(*records));

    if (records == NULL)
        return NULL;
    records->api = api;
    records->more = event_new(api->base, -1, 0, dff_records_on_more, records);
    if (records->more == NULL || dff_id_make(&api->ids, records->name, "writer-") == 0) {
        dff_records_free(records);
        return NULL;
    }
    return records;
}

void
dff_records_free(dff_records_t *records)
{
    if (records == NULL)
        return;
    if (records->held)
        (void) dff_rcmd_do(records->api->rcmd, NULL, "EVAL %s 1 %s %s", dff_records_leave,
                           DFF_KEY_RECORDS_WRITER, records->name);
    if (records->more != NULL)
        event_free(records->more);
    free(records);
}

/* --- what MySQL does not take --------------------------------------------------- */

static void
dff_records_drop(dff_records_t *records, dff_str_t bytes, const dff_err_t *why)
{
    dff_rcmd_t *rcmd = records->api->rcmd;

    dff_log_error(&records->api->log, NULL, "the record of a task (%zu bytes) cannot be written: "
                  "%s; it is kept in %s", bytes.len, why->message, DFF_KEY_BAD);
    (void) dff_rcmd_do(rcmd, NULL, "LPUSH %s %b", DFF_KEY_BAD, DFF_RCMD_B(bytes));
    (void) dff_rcmd_do(rcmd, NULL, "LTRIM %s 0 %d", DFF_KEY_BAD, DFF_RECORDS_BAD_KEEP - 1);
    (void) dff_rcmd_do(rcmd, NULL, "LREM %s 1 %b", DFF_KEY_RECORDS_WRITING, DFF_RCMD_B(bytes));
}

static bool
dff_records_db_answers(dff_records_t *records)
{
    return dff_db_exec(records->api->db, "DO 0", NULL, 0, NULL, NULL) == DFF_OK;
}

/*
 * Is it the record's fault, so that it will never be taken? Certainly when the server says
 * so of its values. Not when the server says that it takes none at present (read-only, a full
 * disk, a lock of others). Else when it took others of the batch, or when the record is
 * large: a server ends the connection at a statement that is too large for it.
 */
static bool
dff_records_is_bad(dff_records_t *records, dff_str_t bytes, const dff_err_t *err, size_t taken)
{
    if (err->reason != DFF_E_SYS_DB && err->reason != DFF_E_SYS)
        return true;
    if (dff_db_is_for_now(records->api->db))
        return false;
    return (taken > 0 || bytes.len > DFF_RECORDS_BLAMED) && dff_records_db_answers(records);
}

/* After the batch was refused: each record by itself. bytes: NULL data when it was taken. While
 * the server takes none each try only costs time, in which this process serves nobody. */
static int
dff_records_write_each(dff_records_t *records, const dff_record_t *batch, dff_str_t *bytes,
    size_t count, dff_err_t *err)
{
    size_t i, taken = 0;

    for (i = 0; i < count; i++) {
        if (dff_task_rows_write(records->api->db, &batch[i], 1, err) == DFF_OK) {
            bytes[i].data = NULL;
            taken++;
        } else if (dff_db_is_for_now(records->api->db)) {
            return DFF_ERROR;
        }
    }
    for (i = 0; i < count; i++) {
        if (bytes[i].data == NULL
            || dff_task_rows_write(records->api->db, &batch[i], 1, err) == DFF_OK)
            continue;
        if (!dff_records_is_bad(records, bytes[i], err, taken))
            return DFF_ERROR;
        dff_records_drop(records, bytes[i], err);
    }
    return DFF_OK;
}

/* --- a batch -------------------------------------------------------------------- */

/* The oldest first, although any order is right. */
static int
dff_records_write(dff_records_t *records, redisReply *list, dff_err_t *err)
{
    dff_record_t *batch = calloc(list->elements, sizeof(*batch));
    dff_str_t    *bytes = calloc(list->elements, sizeof(*bytes));
    size_t        i, count = 0;
    int           rc = DFF_OK;

    if (batch == NULL || bytes == NULL) {
        rc = dff_err_set(err, DFF_E_SYS, "out of memory for %zu records", list->elements);
        goto done;
    }
    for (i = list->elements; i-- > 0; ) {
        bytes[count] = (dff_str_t) { list->element[i]->str, list->element[i]->len };
        if (dff_record_decode(bytes[count], &batch[count], err) != DFF_OK) {
            dff_records_drop(records, bytes[count], err);
            continue;
        }
        count++;
    }
    rc = dff_task_rows_write(records->api->db, batch, count, err);
    if (rc != DFF_OK && !dff_db_is_for_now(records->api->db) && dff_records_db_answers(records))
        rc = dff_records_write_each(records, batch, bytes, count, err);

done:
    free(batch);
    free(bytes);
    return rc;
}

static void
dff_records_failed(dff_records_t *records, const dff_err_t *err)
{
    if (!records->away)
        dff_log_warn(&records->api->log, NULL, "records of tasks wait in Redis: %s", err->message);
    records->away = true;
    records->retry_ms = records->retry_ms == 0 ? DFF_RECORDS_EVERY_MS : 2 * records->retry_ms;
    if (records->retry_ms > DFF_RECORDS_RETRY_MAX_MS)
        records->retry_ms = DFF_RECORDS_RETRY_MAX_MS;
    records->retry_at_ms = dff_time_monotonic_ms() + records->retry_ms;
}

static void
dff_records_written(dff_records_t *records)
{
    if (records->away)
        dff_log_warn(&records->api->log, NULL, "records of tasks are written again");
    records->away = false;
    records->retry_ms = 0;
}

/* Those that come now push out the oldest. */
static void
dff_records_watch_length(dff_records_t *records, long long length)
{
    bool full = length >= DFF_RECORDS_MAX;

    if (full && !records->full)
        dff_log_error(&records->api->log, NULL, "%s has %lld records: the oldest are lost",
                      DFF_KEY_RECORDS, length);
    records->full = full;
}

/* The answer of the take script, or NULL: nothing to do now. */
static redisReply *
dff_records_ask(dff_records_t *records)
{
    redisReply *reply;

    reply = dff_rcmd_run(records->api->rcmd, NULL, "EVAL %s 3 %s %s %s %s %d %d %d",
                         dff_records_take, DFF_KEY_RECORDS_WRITER, DFF_KEY_RECORDS,
                         DFF_KEY_RECORDS_WRITING, records->name, DFF_RECORDS_HOLD_MS,
                         DFF_RECORDS_BATCH, DFF_RECORDS_BYTES);
    records->held = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
                    && reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (records->held)
        return reply;
    if (reply != NULL)
        freeReplyObject(reply);
    return NULL;
}

/* The next batch, when there are more records. Calls go first: half of the time is left to
 * them, unless so many records wait that some would be lost. */
static void
dff_records_go_on(dff_records_t *records, long long length, int64_t took_ms)
{
    struct timeval pause = { 0, 1000 };

    if (length == 0)
        return;
    if (length < DFF_RECORDS_MAX / 2 && took_ms > 1)
        pause = (struct timeval) { took_ms / 1000, took_ms % 1000 * 1000 };
    (void) event_add(records->more, &pause);
}

static void
dff_records_turn(dff_records_t *records)
{
    int64_t     began_ms = dff_time_monotonic_ms();
    dff_err_t   err;
    redisReply *reply = dff_records_ask(records);

    if (reply == NULL)
        return;
    dff_records_watch_length(records, reply->element[0]->integer);
    if (reply->element[1]->elements > 0) {
        if (dff_records_write(records, reply->element[1], &err) != DFF_OK) {
            dff_records_failed(records, &err);
        } else {
            dff_records_written(records);
            /* when it fails the batch is written once more */
            (void) dff_rcmd_do(records->api->rcmd, NULL, "EVAL %s 2 %s %s %s", dff_records_done,
                               DFF_KEY_RECORDS_WRITER, DFF_KEY_RECORDS_WRITING, records->name);
            dff_records_go_on(records, reply->element[0]->integer,
                              dff_time_monotonic_ms() - began_ms);
        }
    }
    freeReplyObject(reply);
}

void
dff_records_tick(dff_api_t *api)
{
    dff_records_t *records = api->records;

    if (api->leaving || dff_time_monotonic_ms() < records->retry_at_ms
        || event_pending(records->more, EV_TIMEOUT, NULL))
        return;
    dff_records_turn(records);
}
