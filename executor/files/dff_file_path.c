/* Paths of callers: see the header. */
#include "files/dff_file_path.h"

#include "dff_form.h"

#include "dff_banned.h"

static const char *const dff_file_private[] = { ".uploads", ".downloads", DFF_FILE_TEMPORARY };

#define DFF_FILE_PACKAGES  "extra-python-packages"


bool
dff_file_name_ok(dff_str_t name)
{
    if (name.len == 0 || name.len > DFF_FILE_NAME_MAX || dff_str_eq(name, DFF_STR("."))
        || dff_str_eq(name, DFF_STR("..")) || !dff_form_is_utf8(name))
    {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char) name.data[i];

        /* Control characters act on terminals and in headers. */
        if (c < 0x20 || c == 0x7f || c == '/') {
            return false;
        }
    }
    return true;
}


int
dff_file_path_add(dff_file_path_t *path, dff_str_t text, dff_err_t *err)
{
    const char *at = text.data, *end = dff_str_end(text);

    while (at < end) {
        const char *stop = memchr(at, '/', (size_t) (end - at));
        dff_str_t   name = { at, (size_t) ((stop == NULL ? end : stop) - at) };

        at = stop == NULL ? end : stop + 1;
        if (name.len == 0 || dff_str_eq(name, DFF_STR("."))) {
            continue;
        }
        if (!dff_file_name_ok(name)) {
            return dff_err_set(err, DFF_E_BIZ_CONDITION, "A path must stay in the resource folder,"
                               " and have names of up to %d bytes without control characters",
                               DFF_FILE_NAME_MAX);
        }
        if (path->len + 1 + name.len >= sizeof(path->text)) {
            return dff_err_set(err, DFF_E_BIZ_CONDITION, "A path has at most %zu bytes",
                               sizeof(path->text) - 1);
        }
        if (path->len > 0) {
            path->text[path->len++] = '/';
        }
        memcpy(path->text + path->len, name.data, name.len);
        path->len += name.len;
        path->text[path->len] = '\0';
    }
    return DFF_OK;
}


int
dff_file_path_read(dff_file_path_t *path, dff_str_t text, dff_err_t *err)
{
    path->len = 0;
    path->text[0] = '\0';
    return dff_file_path_add(path, text, err);
}


dff_str_t
dff_file_path_name(const dff_file_path_t *path)
{
    const char *slash = strrchr(path->text, '/');

    return dff_str_from(slash == NULL ? path->text : slash + 1);
}


void
dff_file_path_up(dff_file_path_t *path)
{
    dff_str_t name = dff_file_path_name(path);

    path->len -= name.len;
    path->len -= path->len > 0 ? 1 : 0;
    path->text[path->len] = '\0';
}


bool
dff_file_path_within(const dff_file_path_t *inner, const dff_file_path_t *outer)
{
    return outer->len == 0
        || (inner->len >= outer->len && memcmp(inner->text, outer->text, outer->len) == 0
            && (inner->len == outer->len || inner->text[outer->len] == '/'));
}


/* The first name of a path is this one. */
static bool
dff_file_path_begins(const dff_file_path_t *path, const char *name)
{
    size_t len = strlen(name);

    return strncmp(path->text, name, len) == 0
        && (path->text[len] == '\0' || path->text[len] == '/');
}


bool
dff_file_path_is_private(const dff_file_path_t *path)
{
    for (size_t i = 0; i < sizeof(dff_file_private) / sizeof(dff_file_private[0]); i++) {
        if (dff_file_path_begins(path, dff_file_private[i])) {
            return true;
        }
    }
    return false;
}


bool
dff_file_path_is_writable(const dff_file_path_t *path)
{
    return path->len > 0 && !dff_file_path_is_private(path)
        && !dff_file_path_begins(path, DFF_FILE_PACKAGES);
}
