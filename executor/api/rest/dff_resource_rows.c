/* Files of the resource folder: looked at, downloaded, worked on. Uploads:
 * dff_resource_upload.c. */
#include "api/rest/dff_routes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_time.h"
#include "api/rest/dff_file_answer.h"
#include "api/rest/dff_file_work.h"
#include "api/rest/dff_resource_upload.h"

#include "dff_banned.h"

#define DFF_RESOURCE_ENTRIES_MAX  50000     /* of one folder */
#define DFF_RESOURCE_TEXT_MAX     2048      /* bytes of a path, before it is read */

/* --- dir ------------------------------------------------------------------------------------- */

static double
dff_resource_ms(const struct statx_timestamp *time)
{
    return (double) time->tv_sec * 1000 + time->tv_nsec / 1000000;
}


/* Where a file system has no time of birth: the oldest that it has. */
static const struct statx_timestamp *
dff_resource_birth(const struct statx *st)
{
    return (st->stx_mask & STATX_BTIME) != 0 ? &st->stx_btime : &st->stx_ctime;
}


static void
dff_resource_add_entry(json_t *list, int folder, const char *name, bool folders, bool files)
{
    struct statx st;
    bool         is_folder;

    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) != 0) {
        return;     /* removed meanwhile */
    }
    is_folder = S_ISDIR(st.stx_mode);
    if ((is_folder && folders) || (S_ISREG(st.stx_mode) && files)) {
        (void) json_array_append_new(list, json_pack(
            "{s:s, s:s, s:o, s:f, s:f}", "name", name, "type", is_folder ? "folder" : "file",
            "size", is_folder ? json_null() : json_integer((json_int_t) st.stx_size),
            "createTime", dff_resource_ms(dff_resource_birth(&st)),
            "updateTime", dff_resource_ms(&st.stx_mtime)));
    }
}


static int
dff_resource_path(dff_web_call_t *call, dff_str_t text, dff_file_path_t *path, dff_err_t *err)
{
    if (dff_file_path_read(path, text, err) == DFF_OK && !dff_file_path_is_private(path)) {
        return DFF_OK;
    }
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                          json_pack("{s:s%}", "name", text.data, text.len), "%s",
                          path->len > 0 && dff_file_path_is_private(path)
                          ? "This folder is the system's own" : err->message);
}


static int
dff_resource_no_folder(dff_web_call_t *call, const dff_file_path_t *path, dff_err_t *err)
{
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES) {
        return dff_err_set(err, DFF_E_SYS, "open %s: %m", path->text);
    }
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                          json_pack("{s:s}", "name", path->text),
                          errno == EACCES ? "The folder's owner does not allow it"
                          : "No such folder");
}


static int
dff_resource_dir(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t       folder = dff_web_query(&call->req, "folder");
    dff_str_t       type = dff_web_query(&call->req, "type");
    bool            folders = type.len == 0 || dff_list_has(type, DFF_STR("folder"));
    bool            files = type.len == 0 || dff_list_has(type, DFF_STR("file"));
    dff_file_path_t path;
    struct dirent  *entry;
    json_t         *list;
    DIR            *dir;
    int             fd;

    if (dff_resource_path(call, folder, &path, err) != DFF_OK) {
        return DFF_ERROR;
    }
    fd = dff_file_answer_folder(call, &path);
    dir = fd == -1 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int error = errno;

        if (fd != -1) {
            (void) close(fd);
        }
        errno = error;
        return dff_resource_no_folder(call, &path, err);
    }
    list = json_array();
    while ((entry = readdir(dir)) != NULL && json_array_size(list) < DFF_RESOURCE_ENTRIES_MAX) {
        dff_file_path_t inside = path;
        dff_err_t       bad;
        dff_str_t       name = dff_str_from(entry->d_name);

        /* What no path can name is not shown either. */
        if (dff_file_name_ok(name) && dff_file_path_add(&inside, name, &bad) == DFF_OK
            && !dff_file_path_is_private(&inside))
        {
            dff_resource_add_entry(list, dirfd(dir), entry->d_name, folders, files);
        }
    }
    (void) closedir(dir);
    return dff_web_reply(call, list, err);
}

/* --- get ------------------------------------------------------------------------------------- */

static json_t *
dff_resource_time(const struct statx_timestamp *time)
{
    char text[DFF_TIME_ISO_SIZE];

    (void) dff_time_iso_utc(text, time->tv_sec * 1000 + time->tv_nsec / 1000000);
    return json_string(text);
}


static json_t *
dff_resource_stat(const struct statx *st)
{
    const struct statx_timestamp *birth = dff_resource_birth(st);
    json_t                       *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
        "dev", (json_int_t) st->stx_dev_major << 8 | st->stx_dev_minor,
        "mode", (json_int_t) st->stx_mode, "nlink", (json_int_t) st->stx_nlink,
        "uid", (json_int_t) st->stx_uid, "gid", (json_int_t) st->stx_gid,
        "rdev", (json_int_t) st->stx_rdev_major << 8 | st->stx_rdev_minor,
        "blksize", (json_int_t) st->stx_blksize, "ino", (json_int_t) st->stx_ino,
        "size", (json_int_t) st->stx_size, "blocks", (json_int_t) st->stx_blocks);

    (void) json_object_update_new(all, json_pack(
        "{s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o}", "atimeMs", dff_resource_ms(&st->stx_atime),
        "mtimeMs", dff_resource_ms(&st->stx_mtime), "ctimeMs", dff_resource_ms(&st->stx_ctime),
        "birthtimeMs", dff_resource_ms(birth), "atime", dff_resource_time(&st->stx_atime),
        "mtime", dff_resource_time(&st->stx_mtime), "ctime", dff_resource_time(&st->stx_ctime),
        "birthtime", dff_resource_time(birth)));
    return all;
}


/* null for what is not there. A link is told of, not followed. */
static int
dff_resource_get(dff_web_call_t *call, dff_err_t *err)
{
    const char     *root = call->web->api->cfg->resource_root_path;
    char            text[DFF_FILE_NAME_MAX + 1] = ".";
    dff_file_path_t path;
    dff_str_t       name;
    struct statx    st;
    int             folder, rc;

    if (dff_resource_path(call, dff_web_query(&call->req, "filePath"), &path, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (path.len == 0) {
        folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    } else {
        folder = dff_beneath_folder(root, dff_file_path_str(&path), &name);
        if (folder != -1) {
            memcpy(text, name.data, name.len);
            text[name.len] = '\0';
        }
    }
    if (folder == -1) {
        return errno == EACCES ? dff_resource_no_folder(call, &path, err)
            : dff_web_reply(call, json_null(), err);
    }
    rc = statx(folder, text, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st);
    (void) close(folder);
    return dff_web_reply(call, rc == 0 ? dff_resource_stat(&st) : json_null(), err);
}

/* --- download -------------------------------------------------------------------------------- */

static int
dff_resource_download(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t       text = dff_web_query(&call->req, "filePath");
    dff_str_t       preview = dff_web_query(&call->req, "preview");
    dff_file_path_t path;
    bool            missing;

    if (dff_resource_path(call, text, &path, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (dff_file_answer(call, &path, preview.len > 0 && dff_web_query_bool(preview) == 1, &missing,
                        err) == DFF_OK)
    {
        return DFF_OK;
    }
    return err->reason != DFF_E_BIZ_CONDITION ? DFF_ERROR
        : dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                         json_pack("{s:s}", "name", path.text), "%s",
                         missing ? "No such file" : "The file's owner does not allow it");
}

/* --- operate --------------------------------------------------------------------------------- */

static const char *const dff_resource_operations[] = {
    "mkdir", "zip", "unzip", "cp", "mv", "rm", NULL
};


static int
dff_resource_operate(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t       body = call->req.body;
    dff_str_t       target = dff_member_text(&call->arena, body, "targetPath");
    dff_str_t       operation = dff_member_text(&call->arena, body, "operation");
    dff_str_t       argument = dff_member_text(&call->arena, body, "operationArgument");
    dff_file_path_t path, other;
    bool            moves = dff_str_eq(operation, DFF_STR("cp"))
                            || dff_str_eq(operation, DFF_STR("mv"));

    if (moves && argument.len == 0) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "operationArgument must be the new path");
    }
    /* The process checks again, and more; what is plainly wrong starts none. */
    if (dff_resource_path(call, target, &path, err) != DFF_OK
        || (moves && dff_resource_path(call, argument, &other, err) != DFF_OK))
    {
        return DFF_ERROR;
    }
    if (!dff_file_path_is_writable(&path)) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                              json_pack("{s:s}", "name", path.text),
                              "This folder is the system's own");
    }
    return dff_file_work_start(call, operation.data, target.data, moves ? argument.data : "", err);
}

/* --- routes ---------------------------------------------------------------------------------- */

static const char *const dff_resource_types[] = { "folder", "file", NULL };

static const dff_prop_t dff_resource_dir_props[] = {
    { "folder", DFF_PROP_STR, DFF_OP_BODY, .max = DFF_RESOURCE_TEXT_MAX },
    { "type", DFF_PROP_STRS, DFF_OP_BODY, .names = dff_resource_types },
};
static const dff_prop_t dff_resource_file_props[] = {
    { "filePath", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .max = DFF_RESOURCE_TEXT_MAX },
    { "preview", DFF_PROP_BOOL, DFF_OP_BODY, .about = "Shown by the browser, if it may be" },
};
static const dff_prop_t dff_resource_upload_props[] = {
    { "folder", DFF_PROP_STR, DFF_OP_BODY, .max = DFF_RESOURCE_TEXT_MAX },
    { "rename", DFF_PROP_STR, DFF_OP_BODY, .max = DFF_RESOURCE_TEXT_MAX },
};
static const dff_prop_t dff_resource_operate_props[] = {
    { "targetPath", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1,
      .max = DFF_RESOURCE_TEXT_MAX },
    { "operation", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .names = dff_resource_operations },
    { "operationArgument", DFF_PROP_STR, DFF_OP_BODY, .nullable = true,
      .max = DFF_RESOURCE_TEXT_MAX, .about = "The new path of cp and mv: from the resource folder"
      " when it begins with a slash, else from the folder of the target" },
};

static const dff_shape_t dff_resource_dir_query = DFF_SHAPE(dff_resource_dir_props);
static const dff_shape_t dff_resource_file_query = DFF_SHAPE(dff_resource_file_props);
static const dff_shape_t dff_resource_stat_query = {
    dff_resource_file_props, 1, sizeof(dff_prop_t), DFF_OP_ALL
};
static const dff_shape_t dff_resource_upload_query = DFF_SHAPE(dff_resource_upload_props);
static const dff_shape_t dff_resource_operate_body = DFF_SHAPE(dff_resource_operate_props);

static const dff_prop_t  dff_resource_entry_props[] = {
    DFF_ANSWERED("name", DFF_PROP_STR), DFF_ANSWERED("type", DFF_PROP_STR,
                                                     .names = dff_resource_types),
    DFF_ANSWERED("size", DFF_PROP_INT, .nullable = true, .about = "bytes; null of folders"),
    DFF_ANSWERED("createTime", DFF_PROP_NUMBER, .about = "Unix ms"),
    DFF_ANSWERED("updateTime", DFF_PROP_NUMBER, .about = "Unix ms"),
};
DFF_ANSWER(dff_resource_dir_answer, dff_resource_entry_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_resource_stat_props[] = {
    DFF_ANSWERED("dev", DFF_PROP_INT), DFF_ANSWERED("mode", DFF_PROP_INT),
    DFF_ANSWERED("nlink", DFF_PROP_INT), DFF_ANSWERED("uid", DFF_PROP_INT),
    DFF_ANSWERED("gid", DFF_PROP_INT), DFF_ANSWERED("rdev", DFF_PROP_INT),
    DFF_ANSWERED("blksize", DFF_PROP_INT), DFF_ANSWERED("ino", DFF_PROP_INT),
    DFF_ANSWERED("size", DFF_PROP_INT), DFF_ANSWERED("blocks", DFF_PROP_INT),
    DFF_ANSWERED("atimeMs", DFF_PROP_NUMBER), DFF_ANSWERED("mtimeMs", DFF_PROP_NUMBER),
    DFF_ANSWERED("ctimeMs", DFF_PROP_NUMBER), DFF_ANSWERED("birthtimeMs", DFF_PROP_NUMBER),
    DFF_ANSWERED("atime", DFF_PROP_TIME), DFF_ANSWERED("mtime", DFF_PROP_TIME),
    DFF_ANSWERED("ctime", DFF_PROP_TIME), DFF_ANSWERED("birthtime", DFF_PROP_TIME),
};
DFF_ANSWER(dff_resource_get_answer, dff_resource_stat_props, DFF_PROP_OBJECT, .nullable = true,
           .about = "null when there is none");

static const dff_endpoint_t dff_resource_rows[] = {
    { DFF_WEB_GET, "/api/v1/resources/dir", "List a resource folder", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_resource_dir_query, .handler = dff_resource_dir,
      .answer = &dff_resource_dir_answer },
    { DFF_WEB_GET, "/api/v1/resources/get", "Get attributes of a resource file", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_resource_stat_query, .handler = dff_resource_get,
      .answer = &dff_resource_get_answer },
    { DFF_WEB_GET, "/api/v1/resources", "Download a resource file", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_resource_file_query, .handler = dff_resource_download,
      .flags = DFF_ENDPOINT_RAW },
    { DFF_WEB_POST, "/api/v1/resources", "Upload a resource file", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .query = &dff_resource_upload_query, .handler = dff_resource_upload,
      .flags = DFF_ENDPOINT_UPLOAD, .sink = &dff_resource_upload_sink, .answer = &dff_answer_null },
    { DFF_WEB_POST, "/api/v1/resources/operate", "Work on resource files", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_resource_operate_body, .handler = dff_resource_operate,
      .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_resource_routes = DFF_ENDPOINTS(dff_resource_rows);
