/* Adding, modifying and deleting rows of entities, one or many in a transaction. */
#include "api/rest/dff_entity.h"

#include <stdlib.h>

#include "dff_banned.h"

typedef struct {            /* what a transaction works on */
    dff_web_call_t     *call;
    const dff_entity_t *entity;
    unsigned            op;
    dff_write_t        *write;      /* one */
    dff_str_t           list;       /* ADD_MANY: text of an array */
    dff_str_t           data;       /* MANY: of each row */
    dff_str_t          *ids;        /* of many, in the arena */
    size_t              nids;
} dff_entity_job_t;

#define DFF_ENTITY_MANY_MAX  10000      /* rows of one request */

/* --- one row --------------------------------------------------------------------------------- */

static int
dff_entity_run(dff_web_call_t *call, dff_statement_t *statement, dff_err_t *err)
{
    int rc = dff_buf_failed(&statement->sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_exec(call->web->api->db, statement->sql.data, statement->values,
                      statement->nvalues, NULL, err);

    dff_buf_release(&statement->sql);
    return rc;
}


static int
dff_entity_insert(dff_web_call_t *call, const dff_write_t *write, dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };
    dff_buf_t      *sql = &statement.sql;

    dff_buf_addf(sql, "INSERT INTO `%s` (`id`", write->entity->table);
    (void) dff_statement_bind(&statement, DFF_DB_VALUE_TEXT(write->id), NULL);
    for (size_t i = 0; i < write->nvalues; i++) {
        dff_buf_addf(sql, ", `%s`", write->values[i].column);
        (void) dff_statement_bind(&statement, write->values[i].value, NULL);    /* few */
    }
    dff_buf_add_str(sql, DFF_STR(") VALUES (?"));
    for (size_t i = 0; i < write->nvalues; i++) {
        dff_buf_add_str(sql, DFF_STR(", ?"));
    }
    dff_buf_add_str(sql, DFF_STR(")"));
    return dff_entity_run(call, &statement, err);
}


static int
dff_entity_update(dff_web_call_t *call, const dff_write_t *write, dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };

    if (write->nvalues == 0) {
        return DFF_OK;
    }
    dff_buf_addf(&statement.sql, "UPDATE `%s` SET ", write->entity->table);
    for (size_t i = 0; i < write->nvalues; i++) {
        dff_buf_addf(&statement.sql, "%s`%s` = ?", i == 0 ? "" : ", ", write->values[i].column);
        (void) dff_statement_bind(&statement, write->values[i].value, NULL);    /* few */
    }
    dff_buf_add_str(&statement.sql, DFF_STR(" WHERE `id` = ?"));
    (void) dff_statement_bind(&statement, DFF_DB_VALUE_TEXT(write->id), NULL);
    return dff_entity_run(call, &statement, err);
}


/* Locks the row; 404 when it is not there. */
static int
dff_entity_lock(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t id, dff_err_t *err)
{
    dff_buf_t sql = DFF_BUF_INIT;
    int       rc;

    dff_buf_addf(&sql, "SELECT `seq` FROM `%s` WHERE `id` = ? FOR UPDATE", entity->table);
    rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
                              : dff_entity_hold(call, sql.data, entity->noun, id, err);
    dff_buf_release(&sql);
    return rc;
}


/* The id of a new row: the given one, or one that is made. */
static int
dff_entity_take_id(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    dff_str_t given = dff_member_text(&call->arena, write->data, "id");

    if (given.data != NULL) {
        write->id = given;
        return DFF_OK;
    }
    return write->entity->id_prefix != NULL
        ? dff_entity_made_id(call, write->entity, &write->id, err)
        : dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "data.id is missing");
}


/* Inside a transaction, which may run it again. */
static int
dff_entity_write_row(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_entity_t *entity = write->entity;
    bool                adds = (write->op & DFF_OP_ADDS) != 0;

    write->nvalues = 0;
    if ((adds ? dff_entity_take_id(call, write, err)
              : dff_entity_lock(call, entity, write->id, err)) != DFF_OK
        || dff_entity_take_values(call, write, err) != DFF_OK
        || (entity->before != NULL && entity->before(call, write, err) != DFF_OK))
    {
        return DFF_ERROR;
    }
    return (adds ? dff_entity_insert(call, write, err) : dff_entity_update(call, write, err))
           == DFF_OK
        ? dff_unsynced_mark(call->web->api->db, entity->unsynced, write->id, err) : DFF_ERROR;
}


static int
dff_entity_remove_row(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t id,
    dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };

    if (dff_entity_lock(call, entity, id, err) != DFF_OK
        || (entity->remove != NULL && entity->remove(call, id, err) != DFF_OK)
        || dff_unsynced_mark(call->web->api->db, entity->unsynced, id, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_addf(&statement.sql, "DELETE FROM `%s` WHERE `id` = ?", entity->table);
    (void) dff_statement_bind(&statement, DFF_DB_VALUE_TEXT(id), NULL);
    return dff_entity_run(call, &statement, err);
}


int
dff_entity_hold(dff_web_call_t *call, const char *sql, const char *noun, dff_str_t id,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    bool           found;

    if (dff_db_query(call->web->api->db, sql, DFF_DB_ARGS(values), &rows, err) != DFF_OK) {
        return DFF_ERROR;
    }
    found = rows.nrows > 0;
    dff_db_rows_release(&rows);
    return found ? DFF_OK : dff_web_not_found(call, err, noun, id);
}

/* --- transactions ---------------------------------------------------------------------------- */

static int
dff_entity_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_entity_job_t *job = ctx;

    (void) db;
    if (job->write != NULL) {
        return dff_entity_write_row(job->call, job->write, err);
    }
    for (size_t i = 0; i < job->nids; i++) {
        dff_write_t write = {
            .entity = job->entity, .op = job->op, .data = job->data, .id = job->ids[i]
        };

        if ((job->op == 0 ? dff_entity_remove_row(job->call, job->entity, job->ids[i], err)
                          : dff_entity_write_row(job->call, &write, err)) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static int
dff_entity_transact(dff_entity_job_t *job, dff_db_body_fn body, dff_err_t *err)
{
    return dff_db_transaction(job->call->web->api->db, body, job, err) == DFF_OK
        ? DFF_OK : dff_entity_translate(job->call, job->entity, err);
}


static int
dff_entity_tell(dff_web_call_t *call, const dff_entity_t *entity, unsigned op, dff_str_t id,
    dff_err_t *err)
{
    return entity->after == NULL ? DFF_OK : entity->after(call, op, id, err);
}


int
dff_entity_store(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    dff_entity_job_t job = { .call = call, .entity = write->entity, .write = write };

    return dff_entity_transact(&job, dff_entity_body, err) != DFF_OK ? DFF_ERROR
        : dff_entity_tell(call, write->entity, write->op, write->id, err);
}


int
dff_entity_remove(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t id, dff_err_t *err)
{
    dff_entity_job_t job = { .call = call, .entity = entity, .ids = &id, .nids = 1 };

    return dff_entity_transact(&job, dff_entity_body, err) != DFF_OK ? DFF_ERROR
        : dff_entity_tell(call, entity, 0, id, err);
}

/* --- handlers -------------------------------------------------------------------------------- */

/* {"id":…} and, for what has an address, {"id":…,"url":…} */
static int
dff_entity_reply(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t id, bool url)
{
    dff_buf_t *out = &call->answer.data;

    dff_buf_add_str(out, DFF_STR("{\"id\":"));
    dff_buf_add_json_string(out, id);
    if (url && entity->url != NULL) {
        dff_buf_addf(out, ",\"url\":\"%s", entity->url);
        dff_buf_add_json_escaped(out, id);
        dff_buf_add_str(out, DFF_STR("\""));
    }
    dff_buf_add_str(out, DFF_STR("}"));
    return DFF_OK;
}


int
dff_entity_add(dff_web_call_t *call, dff_err_t *err)
{
    dff_write_t write = {
        .entity = call->endpoint->entity, .op = DFF_OP_ADD, .data = dff_web_data(call)
    };

    return dff_entity_store(call, &write, err) == DFF_OK
        ? dff_entity_reply(call, write.entity, write.id, true) : DFF_ERROR;
}


int
dff_entity_modify(dff_web_call_t *call, dff_err_t *err)
{
    dff_write_t write = {
        .entity = call->endpoint->entity, .op = DFF_OP_MODIFY, .data = dff_web_data(call),
        .id = call->params[0]
    };

    return dff_entity_store(call, &write, err) == DFF_OK
        ? dff_entity_reply(call, write.entity, write.id, true) : DFF_ERROR;
}


int
dff_entity_delete(dff_web_call_t *call, dff_err_t *err)
{
    const dff_entity_t *entity = call->endpoint->entity;

    return dff_entity_remove(call, entity, call->params[0], err) == DFF_OK
        ? dff_entity_reply(call, entity, call->params[0], false) : DFF_ERROR;
}

/* --- many ------------------------------------------------------------------------------------ */

static int
dff_entity_add_many_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_entity_job_t *job = ctx;
    dff_json_array_t  it;
    dff_json_member_t member;

    (void) db;
    (void) dff_json_array_open(&it, job->list);     /* the shape was checked */
    for (job->nids = 0; dff_json_array_next(&it, &member, NULL) == 1; job->nids++) {
        dff_write_t write = {
            .entity = job->entity, .op = DFF_OP_ADD_MANY, .data = member.value
        };

        if (dff_entity_write_row(job->call, &write, err) != DFF_OK) {
            return DFF_ERROR;
        }
        job->ids[job->nids] = write.id;
    }
    return DFF_OK;
}


/* {"ids":[…]}, once all of them have been told of. */
static int
dff_entity_finish_many(dff_entity_job_t *job, dff_err_t *err)
{
    dff_buf_t *out = &job->call->answer.data;

    dff_buf_add_str(out, DFF_STR("{\"ids\":["));
    for (size_t i = 0; i < job->nids; i++) {
        if (dff_entity_tell(job->call, job->entity, job->op, job->ids[i], err) != DFF_OK) {
            return DFF_ERROR;
        }
        dff_buf_add_str(out, i == 0 ? DFF_STR("") : DFF_STR(","));
        dff_buf_add_json_string(out, job->ids[i]);
    }
    dff_buf_add_str(out, DFF_STR("]}"));
    return DFF_OK;
}


static int
dff_entity_room(dff_entity_job_t *job, size_t count, dff_err_t *err)
{
    if (count > DFF_ENTITY_MANY_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "more than %d rows at once",
                           DFF_ENTITY_MANY_MAX);
    }
    job->ids = dff_arena_alloc(&job->call->arena, (count + 1) * sizeof(*job->ids));
    return job->ids != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


int
dff_entity_add_many(dff_web_call_t *call, dff_err_t *err)
{
    dff_entity_job_t  job = {
        .call = call, .entity = call->endpoint->entity, .op = DFF_OP_ADD_MANY,
        .list = dff_web_data(call)
    };
    dff_json_array_t  it;
    dff_json_member_t member;
    size_t            count = 0;

    (void) dff_json_array_open(&it, job.list);
    while (dff_json_array_next(&it, &member, NULL) == 1) {
        count++;
    }
    if (dff_entity_room(&job, count, err) != DFF_OK
        || dff_entity_transact(&job, dff_entity_add_many_body, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_entity_finish_many(&job, err);
}


/* The ids that the filters of the query select. */
static int
dff_entity_select_ids(dff_entity_job_t *job, dff_err_t *err)
{
    dff_web_call_t *call = job->call;
    dff_statement_t statement = { .sql = DFF_BUF_INIT };
    dff_db_rows_t   rows = { 0 };
    int             rc;

    dff_buf_add_str(&statement.sql, DFF_STR("SELECT t.`id`"));
    rc = dff_entity_add_from(call, &statement, true, err);
    if (rc == DFF_OK && statement.nfilters == 0) {
        rc = dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "DeleteConditionNotSpecified", NULL,
                            "At least one filter is needed in the query");
    }
    if (rc == DFF_OK) {
        dff_buf_addf(&statement.sql, " ORDER BY t.`seq` LIMIT %d", DFF_ENTITY_MANY_MAX + 1);
        rc = dff_buf_failed(&statement.sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_db_query(call->web->api->db, statement.sql.data, statement.values,
                           statement.nvalues, &rows, err);
    }
    if (rc == DFF_OK) {
        rc = dff_entity_room(job, rows.nrows, err);
    }
    for (size_t i = 0; rc == DFF_OK && i < rows.nrows; i++) {
        job->ids[i] = dff_str_from(dff_arena_copy(&call->arena, dff_db_cell(&rows, i, 0)));
        job->nids = i + 1;
        rc = job->ids[i].data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_db_rows_release(&rows);
    dff_buf_release(&statement.sql);
    return rc;
}


static int
dff_entity_many(dff_web_call_t *call, unsigned op, dff_err_t *err)
{
    dff_entity_job_t job = {
        .call = call, .entity = call->endpoint->entity, .op = op,
        .data = op == 0 ? DFF_STR_NULL : dff_web_data(call)
    };

    if (dff_entity_select_ids(&job, err) != DFF_OK
        || dff_entity_transact(&job, dff_entity_body, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_entity_finish_many(&job, err);
}


int
dff_entity_modify_many(dff_web_call_t *call, dff_err_t *err)
{
    return dff_entity_many(call, DFF_OP_MANY, err);
}


int
dff_entity_delete_many(dff_web_call_t *call, dff_err_t *err)
{
    return dff_entity_many(call, 0, err);
}
