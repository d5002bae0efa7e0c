/*
 * dffctl script-set export|import.
 */
#include "ctl/dff_ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "store/dff_package.h"
#include "store/dff_package_export.h"
#include "store/dff_package_import.h"

#include "dff_banned.h"

enum {
    DFF_CTL_EXPORT_ID, DFF_CTL_EXPORT_PASSWORD, DFF_CTL_EXPORT_NOTE, DFF_CTL_EXPORT_LINKS,
    DFF_CTL_EXPORT_CRONTABS, DFF_CTL_EXPORT_BATCHES
};
enum { DFF_CTL_IMPORT_PASSWORD, DFF_CTL_IMPORT_CHECK, DFF_CTL_IMPORT_FORCE };

#define DFF_CTL_PACKAGE_MAX    (200u << 20)     /* bytes, as of an upload */
#define DFF_CTL_PASSWORD_MAX   24


/* The first line of a file; "" without one. In the arena. */
static int
dff_ctl_package_password(dff_ctl_t *ctl, const char *path, dff_arena_t *arena, dff_str_t *out)
{
    dff_buf_t text = DFF_BUF_INIT;
    int       rc;

    *out = DFF_STR("");
    if (path == NULL)
        return DFF_OK;
    rc = dff_ctl_read_file(ctl, path, DFF_CTL_PASSWORD_MAX + 1, &text);
    if (rc == DFF_OK && text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (rc == DFF_OK && (text.len > DFF_CTL_PASSWORD_MAX
                         || (text.len > 0 && memchr(text.data, '\n', text.len) != NULL)))
        rc = dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST,
                         "the password of a package is one line of at most %d bytes",
                         DFF_CTL_PASSWORD_MAX);
    if (rc == DFF_OK && text.len > 0) {
        *out = (dff_str_t) {
            dff_arena_copy(arena, (dff_str_t) { text.data, text.len }), text.len
        };
        rc = out->data == NULL ? dff_err_set(&ctl->err, DFF_E_SYS, "out of memory") : DFF_OK;
    }
    if (text.data != NULL)
        OPENSSL_cleanse(text.data, text.len);
    dff_buf_release(&text);
    return rc;
}


/* "a,b" as ["a","b"] in the arena, after each was found; no list: all sets. */
static int
dff_ctl_export_sets(dff_ctl_t *ctl, const char *list, dff_arena_t *arena, dff_str_t *sets)
{
    dff_buf_t   json = DFF_BUF_INIT;
    const char *at = list;
    int         rc = DFF_OK;

    *sets = DFF_STR_NULL;
    if (list == NULL)
        return DFF_OK;
    dff_buf_add_str(&json, DFF_STR("["));
    while (rc == DFF_OK) {
        dff_str_t      id = { at, strcspn(at, ",") };
        dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
        dff_db_rows_t  rows = { 0 };

        rc = dff_db_query(ctl->db, "SELECT id FROM script_set WHERE id = ?", DFF_DB_ARGS(values),
                          &rows, &ctl->err);
        if (rc == DFF_OK && rows.nrows == 0)
            rc = dff_err_set(&ctl->err, DFF_E_CLIENT_NOT_FOUND, "no such script set: %.*s",
                             (int) id.len, id.data);
        dff_db_rows_release(&rows);
        dff_buf_add_str(&json, at == list ? DFF_STR("") : DFF_STR(","));
        dff_buf_add_json_string(&json, id);
        at += id.len;
        if (*at++ == '\0')
            break;
    }
    dff_buf_add_str(&json, DFF_STR("]"));
    if (rc == DFF_OK) {
        sets->len = json.len;
        sets->data = dff_buf_failed(&json) ? NULL
            : dff_arena_copy(arena, (dff_str_t) { json.data, json.len });
        rc = sets->data == NULL ? dff_err_set(&ctl->err, DFF_E_SYS, "out of memory") : DFF_OK;
    }
    dff_buf_release(&json);
    return rc;
}


static int
dff_ctl_export_write(dff_ctl_t *ctl, int fd, const char *path, const dff_buf_t *text)
{
    const char *at = text->data, *end = text->data + text->len;
    ssize_t     n = 0;

    while (at < end && n >= 0) {
        n = write(fd, at, (size_t) (end - at));
        at += n > 0 ? n : 0;
        n = n < 0 && errno == EINTR ? 0 : n;
    }
    if (n < 0 || (fd != STDOUT_FILENO && fsync(fd) != 0))
        return dff_err_set(&ctl->err, DFF_E_SYS, "writing %s: %s", path, strerror(errno));
    return DFF_OK;
}


static dff_package_work_t
dff_ctl_package_work(dff_ctl_t *ctl, dff_arena_t *arena, dff_id_source_t *ids)
{
    dff_id_source_init(ids);
    return (dff_package_work_t) {
        .db = ctl->db, .rcmd = ctl->rcmd, .arena = arena, .ids = ids, .user_id = DFF_STR("")
    };
}


/* Into a new file, or standard output for "-": opened before anything is recorded. */
static int
dff_ctl_export_run(dff_ctl_t *ctl, const dff_package_work_t *work,
    const dff_package_wanted_t *wanted, dff_str_t password)
{
    const char *path = ctl->words[0];
    bool        is_file = strcmp(path, "-") != 0;
    dff_buf_t   text = DFF_BUF_INIT;
    int         rc, fd = !is_file ? STDOUT_FILENO
                       : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return dff_err_set(&ctl->err, DFF_E_SYS, "creating %s: %s", path, strerror(errno));
    rc = dff_package_export(work, wanted, password, &text, &ctl->err);
    if (rc == DFF_OK)
        rc = dff_ctl_export_write(ctl, fd, path, &text);
    dff_buf_release(&text);
    if (is_file) {
        (void) close(fd);       /* fsync has seen its errors */
        if (rc != DFF_OK)
            (void) unlink(path);
    }
    return rc;
}


int
dff_ctl_script_set_export(dff_ctl_t *ctl)
{
    const char          *note = ctl->options[DFF_CTL_EXPORT_NOTE];
    dff_id_source_t      ids;
    dff_arena_t          arena = { NULL };
    dff_package_work_t   work = dff_ctl_package_work(ctl, &arena, &ids);
    dff_package_wanted_t wanted = {
        .links = ctl->options[DFF_CTL_EXPORT_LINKS] != NULL,
        .crontabs = ctl->options[DFF_CTL_EXPORT_CRONTABS] != NULL,
        .batches = ctl->options[DFF_CTL_EXPORT_BATCHES] != NULL,
        .note = dff_str_from(note == NULL ? "exported with dffctl" : note),
    };
    dff_str_t            password;
    int                  rc;

    rc = dff_ctl_package_password(ctl, ctl->options[DFF_CTL_EXPORT_PASSWORD], &arena, &password);
    if (rc == DFF_OK)
        rc = dff_ctl_export_sets(ctl, ctl->options[DFF_CTL_EXPORT_ID], &arena, &wanted.sets);
    if (rc == DFF_OK)
        rc = dff_ctl_export_run(ctl, &work, &wanted, password);
    dff_arena_release(&arena);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}

/* --- import ---------------------------------------------------------------------------------- */

static void
dff_ctl_import_print(const char *what, json_t *sets)
{
    size_t  i;
    json_t *set;

    json_array_foreach(sets, i, set) {
        const char *id = json_string_value(json_object_get(set, "id"));

        printf("%-8s %s\n", what, id == NULL ? "?" : id);
    }
}


static void
dff_ctl_import_print_pkgs(json_t *pkgs)
{
    size_t  i;
    json_t *pkg;

    json_array_foreach(pkgs, i, pkg) {
        printf("requires ");
        dff_ctl_print_text(stdout, json_string_value(pkg), json_string_length(pkg));
    }
}


static int
dff_ctl_import_read(dff_ctl_t *ctl, dff_import_t *import)
{
    dff_buf_t text = DFF_BUF_INIT;
    dff_str_t password;
    int       rc = dff_ctl_read_file(ctl, ctl->words[0], DFF_CTL_PACKAGE_MAX, &text);

    if (rc == DFF_OK && text.len > DFF_CTL_PACKAGE_MAX)
        rc = dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST, "a package has at most %u bytes",
                         DFF_CTL_PACKAGE_MAX);
    if (rc == DFF_OK)
        rc = dff_ctl_package_password(ctl, ctl->options[DFF_CTL_IMPORT_PASSWORD],
                                      import->work.arena, &password);
    if (rc == DFF_OK)
        rc = dff_package_read(import->work.arena,
                              (dff_str_t) { text.data == NULL ? "" : text.data, text.len },
                              password, &import->json, &ctl->err);
    dff_buf_release(&text);
    return rc;
}


int
dff_ctl_script_set_import(dff_ctl_t *ctl)
{
    dff_id_source_t ids;
    dff_arena_t     arena = { NULL };
    dff_import_t    import = {
        .work = dff_ctl_package_work(ctl, &arena, &ids), .type = "import",
        .note = "Before an import with dffctl"
    };
    json_t         *diff = NULL, *pkgs = NULL;
    int             rc = dff_ctl_import_read(ctl, &import);

    if (ctl->options[DFF_CTL_IMPORT_FORCE] != NULL)
        import.work.user_id = DFF_STR_NULL;         /* nobody's locks hinder */
    if (rc == DFF_OK)
        rc = dff_import_diff(&import, &diff, &ctl->err);
    if (rc == DFF_OK && ctl->options[DFF_CTL_IMPORT_CHECK] == NULL)
        rc = dff_import_run(&import, &ctl->err);
    if (rc == DFF_OK)
        rc = dff_import_requirements(&import, &pkgs, &ctl->err);
    if (rc == DFF_OK) {
        dff_ctl_import_print("add", json_object_get(diff, "add"));
        dff_ctl_import_print("replace", json_object_get(diff, "replace"));
        dff_ctl_import_print_pkgs(pkgs);
    }
    json_decref(diff);
    json_decref(pkgs);
    dff_arena_release(&arena);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}
