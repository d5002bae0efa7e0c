/* Folders as pages: see the header. */
#include "api/rest/dff_file_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_time.h"
#include "api/rest/dff_file_answer.h"

#include "dff_banned.h"

#define DFF_FILE_INDEX_MAX     10000        /* entries */
#define DFF_FILE_INDEX_ZONE_S  (8 * 3600)   /* times are shown at +08:00 */

typedef struct {
    char   name[DFF_FILE_NAME_MAX + 1];
    bool   folder;
    off_t  size;
    time_t modified, changed;
} dff_file_index_entry_t;


/* Text as HTML has it, in an attribute, too. */
static void
dff_file_index_text(dff_buf_t *out, dff_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'') {
            dff_buf_addf(out, "&#%d;", c);
        } else {
            dff_buf_add(out, &c, 1);
        }
    }
}


/* A name in a URL. */
static void
dff_file_index_encode(dff_buf_t *out, dff_str_t name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char) name.data[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-'
            || c == '_' || c == '.')
        {
            dff_buf_add(out, &c, 1);
        } else {
            dff_buf_addf(out, "%%%02X", c);
        }
    }
}


static int
dff_file_index_by_name(const void *a, const void *b)
{
    const dff_file_index_entry_t *one = a, *two = b;

    return one->folder != two->folder ? two->folder - one->folder : strcmp(one->name, two->name);
}


static void
dff_file_index_time(dff_buf_t *out, time_t time)
{
    char text[DFF_TIME_ISO_SIZE];

    (void) dff_time_iso(text, (int64_t) time * 1000, DFF_FILE_INDEX_ZONE_S);
    dff_buf_addf(out, "<td>%.10s %.8s</td>", text, text + 11);
}


static void
dff_file_index_row(dff_buf_t *out, const dff_file_index_entry_t *entry)
{
    const char *slash = entry->folder ? "/" : "";

    dff_buf_add_str(out, DFF_STR("<tr><td><a href=\"./"));
    dff_file_index_encode(out, dff_str_from(entry->name));
    dff_buf_addf(out, "%s\">", slash);
    dff_file_index_text(out, dff_str_from(entry->name));
    dff_buf_addf(out, "%s</a></td><td>%s</td><td>", slash, entry->folder ? "folder" : "file");
    if (!entry->folder) {
        dff_buf_addf(out, "%lld", (long long) entry->size);
    }
    dff_buf_add_str(out, DFF_STR("</td>"));
    dff_file_index_time(out, entry->changed);
    dff_file_index_time(out, entry->modified);
    dff_buf_add_str(out, DFF_STR("</tr>\n"));
}


static size_t
dff_file_index_read(DIR *dir, dff_file_index_entry_t *entries)
{
    size_t         count = 0;
    struct dirent *entry;
    struct stat    st;

    while (count < DFF_FILE_INDEX_MAX && (entry = readdir(dir)) != NULL) {
        dff_str_t name = dff_str_from(entry->d_name);

        if (!dff_file_name_ok(name) || memchr(name.data, '\\', name.len) != NULL
            || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0
            || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
        {
            continue;
        }
        entries[count] = (dff_file_index_entry_t) {
            .folder = S_ISDIR(st.st_mode), .size = st.st_size, .modified = st.st_mtime,
            .changed = st.st_ctime,
        };
        memcpy(entries[count++].name, name.data, name.len + 1);
    }
    return count;
}


/* Relative links need a slash at the end of the page's own path. */
static int
dff_file_index_redirect(dff_web_call_t *call)
{
    dff_web_answer_t *answer = &call->answer;
    dff_buf_t         target = DFF_BUF_INIT;

    dff_buf_add_str(&target, DFF_STR("./"));
    dff_file_index_encode(&target, call->req.segments[call->req.nsegments - 1]);
    dff_buf_add_str(&target, DFF_STR("/"));
    dff_web_answer_header(answer, "Location", (dff_str_t) { target.data, target.len });
    dff_buf_release(&target);
    answer->content_type = "text/plain";
    answer->status = 302;
    return DFF_OK;
}


int
dff_file_index(dff_web_call_t *call, int folder, bool top, dff_err_t *err)
{
    dff_web_answer_t       *answer = &call->answer;
    dff_buf_t              *out = &answer->content;
    dff_file_index_entry_t *entries;
    dff_str_t               path = call->req.path;
    DIR                    *dir;
    size_t                  count;

    if (path.data[path.len - 1] != '/') {
        (void) close(folder);
        return dff_file_index_redirect(call);
    }
    entries = calloc(DFF_FILE_INDEX_MAX, sizeof(*entries));
    dir = fdopendir(folder);
    if (entries == NULL || dir == NULL) {
        (void) (dir == NULL ? close(folder) : closedir(dir));
        free(entries);
        return dff_err_set(err, DFF_E_SYS, "a folder cannot be read: %m");
    }
    count = dff_file_index_read(dir, entries);
    (void) closedir(dir);
    qsort(entries, count, sizeof(*entries), dff_file_index_by_name);

    answer->content_type = "text/html; charset=utf-8";
    dff_file_answer_guard(answer, "sandbox allow-downloads; default-src 'none'; "
                          "style-src 'unsafe-inline'");
    dff_buf_add_str(out, DFF_STR(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Files</title><style>"
        "td{padding-right:2em;font-family:monospace}</style></head><body><table>\n"
        "<tr><th>Name</th><th>Type</th><th>Size</th><th>Created</th><th>Modified</th></tr>\n"));
    dff_buf_add_str(out, top ? DFF_STR("")
                    : DFF_STR("<tr><td><a href=\"../\">../</a></td></tr>\n"));
    for (size_t i = 0; i < count; i++) {
        dff_file_index_row(out, &entries[i]);
    }
    dff_buf_add_str(out, DFF_STR("</table></body></html>\n"));
    free(entries);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}
