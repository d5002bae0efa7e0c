/* The database as lines of SQL, and back: see dff_backup.h. */
#include "store/dff_backup_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dff_buf.h"

#include "dff_banned.h"

#define DFF_BACKUP_STATEMENT  (1u << 19)    /* bytes; then rows go into the next INSERT */

/* Tables that are logs: their rows are not kept. */
static const char *const dff_backup_logs[] = {
    "operation_record", "crontab_task_info", "batch_task_info", "task_result", "script_log",
    "script_failure",
};

typedef struct {            /* a dump under way */
    dff_db_t          *db;
    FILE              *out;
    dff_backup_made_t *made;
    const char        *table;
    dff_buf_t          line;        /* an INSERT, as far as it is */
} dff_backup_dump_t;


static bool
dff_backup_is_log(dff_str_t table)
{
    for (size_t i = 0; i < sizeof(dff_backup_logs) / sizeof(dff_backup_logs[0]); i++) {
        if (dff_str_eq(table, dff_str_from(dff_backup_logs[i])))
            return true;
    }
    return false;
}


static int
dff_backup_write(FILE *out, const char *data, size_t len, dff_err_t *err)
{
    return fwrite(data, 1, len, out) == len ? DFF_OK
        : dff_err_set(err, DFF_E_SYS, "writing the backup: %s", strerror(errno));
}


/* A text as a literal: no byte of it ends the line. */
static void
dff_backup_quote(dff_buf_t *line, dff_str_t text)
{
    const char *at = text.data, *end = at + text.len;

    dff_buf_add_str(line, DFF_STR("'"));
    while (at < end) {
        size_t len = 0;
        char   escaped[2] = { '\\', 0 };

        while (at + len < end && strchr("'\\\n\r\x1a", at[len]) == NULL)     /* strchr: NUL, too */
            len++;
        dff_buf_add(line, at, len);
        at += len;
        if (at == end)
            break;
        escaped[1] = *at == '\n' ? 'n' : *at == '\r' ? 'r' : *at == '\0' ? '0'
            : *at == '\x1a' ? 'Z' : *at;
        dff_buf_add(line, escaped, 2);
        at++;
    }
    dff_buf_add_str(line, DFF_STR("'"));
}


static int
dff_backup_flush(dff_backup_dump_t *dump, dff_err_t *err)
{
    int rc = DFF_OK;

    if (dump->line.len > 0) {
        dff_buf_add_str(&dump->line, DFF_STR(";\n"));
        rc = dff_buf_failed(&dump->line) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_backup_write(dump->out, dump->line.data, dump->line.len, err);
    }
    dff_buf_clear(&dump->line);
    return rc;
}


static int
dff_backup_row(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    dff_backup_dump_t *dump = ctx;
    dff_buf_t         *line = &dump->line;

    if (line->len == 0)
        dff_buf_addf(line, "INSERT INTO `%s` VALUES (", dump->table);
    else
        dff_buf_add_str(line, DFF_STR(",("));
    for (size_t i = 0; i < ncolumns; i++) {
        dff_buf_add_str(line, i == 0 ? DFF_STR("") : DFF_STR(","));
        if (columns[i].data == NULL)
            dff_buf_add_str(line, DFF_STR("NULL"));
        else
            dff_backup_quote(line, columns[i]);
    }
    dff_buf_add_str(line, DFF_STR(")"));
    dump->made->rows++;
    if (dff_buf_failed(line))
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    return line->len >= DFF_BACKUP_STATEMENT ? dff_backup_flush(dump, err) : DFF_OK;
}


/* What the server says makes the table, on one line. */
static int
dff_backup_definition(dff_backup_dump_t *dump, dff_err_t *err)
{
    dff_buf_t     sql = DFF_BUF_INIT;
    dff_db_rows_t rows = { 0 };
    int           rc;

    dff_buf_addf(&sql, "SHOW CREATE TABLE `%s`", dump->table);
    rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_query(dump->db, sql.data, NULL, 0, &rows, err);
    dff_buf_clear(&sql);
    if (rc == DFF_OK && (rows.nrows != 1 || rows.ncolumns != 2))
        rc = dff_err_set(err, DFF_E_SYS_DB, "%s is no table", dump->table);
    if (rc == DFF_OK) {
        dff_str_t text = dff_db_cell(&rows, 0, 1);

        dff_buf_addf(&sql, "DROP TABLE IF EXISTS `%s`;\n", dump->table);
        for (size_t i = 0; i < text.len; i++)
            dff_buf_add(&sql, text.data[i] == '\n' ? " " : text.data + i, 1);
        dff_buf_add_str(&sql, DFF_STR(";\n"));
        rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_backup_write(dump->out, sql.data, sql.len, err);
    }
    dff_db_rows_release(&rows);
    dff_buf_release(&sql);
    return rc;
}


static int
dff_backup_table(dff_backup_dump_t *dump, dff_str_t table, dff_err_t *err)
{
    dff_buf_t sql = DFF_BUF_INIT;
    int       rc;

    if (memchr(table.data, '`', table.len) != NULL)
        return dff_err_set(err, DFF_E_SYS_DB, "a table with the name %s is none of ours",
                           table.data);
    dump->table = table.data;
    dump->made->tables++;
    rc = dff_backup_definition(dump, err);
    if (rc == DFF_OK && !dff_backup_is_log(table)) {
        dff_buf_addf(&sql, "SELECT * FROM `%s`", table.data);
        rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_db_each(dump->db, sql.data, NULL, 0, dff_backup_row, dump, err);
        rc = rc == DFF_OK ? dff_backup_flush(dump, err) : rc;
    }
    dff_buf_release(&sql);
    return rc == DFF_OK ? DFF_OK : dff_err_wrap(err, "table %s", table.data);
}


/* The transaction is one view of all tables: its first SELECT begins it. */
static int
dff_backup_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    static const char begin[] = DFF_BACKUP_BEGIN
        "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\n"
        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nSET foreign_key_checks = 0;\n";
    dff_backup_dump_t *dump = ctx;
    dff_db_rows_t      tables;
    int                rc;

    if (dff_db_query(db, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'", NULL, 0, &tables, err)
        != DFF_OK)
        return DFF_ERROR;
    rc = tables.nrows > 0 ? dff_backup_write(dump->out, begin, sizeof(begin) - 1, err)
        : dff_err_set(err, DFF_E_SYS_DB, "the database has no tables");
    for (size_t i = 0; rc == DFF_OK && i < tables.nrows; i++)
        rc = dff_backup_table(dump, dff_db_cell(&tables, i, 0), err);
    dff_db_rows_release(&tables);
    return rc == DFF_OK ? dff_backup_write(dump->out, DFF_BACKUP_END,
                                           sizeof(DFF_BACKUP_END) - 1, err) : rc;
}


int
dff_backup_dump(dff_db_t *db, FILE *out, dff_backup_made_t *made, dff_err_t *err)
{
    dff_backup_dump_t dump = { .db = db, .out = out, .made = made, .line = DFF_BUF_INIT };
    int               rc;

    rc = dff_db_define(db, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", err);
    if (rc == DFF_OK)
        rc = dff_db_transaction(db, dff_backup_body, &dump, err);
    dff_buf_release(&dump.line);
    return rc;
}

/* --- back ------------------------------------------------------------------------------------ */

/* len: with the newline. */
static int
dff_backup_run_line(dff_db_t *db, char *line, size_t len, uint64_t *statements, dff_err_t *err)
{
    if (len <= 1 || strncmp(line, "--", 2) == 0)
        return DFF_OK;
    line[len - 1] = '\0';
    (*statements)++;
    return dff_db_define(db, line, err);
}


int
dff_backup_read(dff_db_t *db, FILE *in, uint64_t *statements, dff_err_t *err)
{
    char    *line = NULL;
    size_t   size = 0;
    uint64_t number = 0;
    ssize_t  len;
    int      rc = DFF_OK;

    *statements = 0;
    while (rc == DFF_OK && (len = getline(&line, &size, in)) > 0) {
        number++;
        rc = dff_backup_run_line(db, line, (size_t) len, statements, err);
        if (rc != DFF_OK)
            (void) dff_err_wrap(err, "line %llu", (unsigned long long) number);
    }
    if (rc == DFF_OK && ferror(in) != 0)
        rc = dff_err_set(err, DFF_E_SYS, "reading the backup: %s", strerror(errno));
    free(line);
    return rc;
}
