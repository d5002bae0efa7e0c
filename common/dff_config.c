/*
 * Loading: defaults, then the file, then the environment, then what must hold
 * between settings. Runs at start and reload.
 */
#include "dff_config_table.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_id.h"
#include "dff_json.h"

#include "dff_banned.h"

#define DFF_CONFIG_FOLDER      "/usr/local/dataflux-func/data"
#define DFF_CONFIG_PLACE_SIZE  1088
#define DFF_CONFIG_CUSTOM_MAX  1000
#define DFF_ENV_PREFIX         "DFF_"
#define DFF_SECRET_SHORT       16

struct dff_config_loader_s {
    dff_config_t        *cfg;
    dff_config_report_fn report;
    void                *report_ctx;
    dff_err_t           *err;
    size_t               errors;
    char                 base[PATH_MAX];              /* folder of relative paths */
    char                *places[DFF_SETTING_COUNT];   /* where it was set; NULL: default */
    bool                 refused[DFF_SETTING_COUNT];  /* a value was reported as bad */
};

static void
dff_config_say(dff_config_loader_t *loader, dff_config_severity_t severity, const char *text)
{
    if (severity == DFF_CONFIG_ERROR && loader->errors++ == 0)
        (void) dff_err_set(loader->err, DFF_E_SYS, "%s", text);
    if (loader->report != NULL)
        loader->report(loader->report_ctx, severity, text);
}

void
dff_config_find(dff_config_loader_t *loader, dff_config_severity_t severity, const char *place,
    const char *fmt, ...)
{
    char    text[DFF_CONFIG_PLACE_SIZE + DFF_ERR_MESSAGE_SIZE];
    va_list args;
    int     n = snprintf(text, sizeof(text), "%s: ", place);

    if (n < 0 || (size_t) n >= sizeof(text))
        n = 0;
    va_start(args, fmt);
    if (vsnprintf(text + n, sizeof(text) - (size_t) n, fmt, args) < 0)
        text[n] = '\0';
    va_end(args);
    dff_config_say(loader, severity, text);
}

void
dff_config_no_memory(dff_config_loader_t *loader)
{
    dff_config_say(loader, DFF_CONFIG_ERROR, "configuration: no memory");
}

static void
dff_config_set_place(dff_config_loader_t *loader, size_t index, const char *place)
{
    free(loader->places[index]);
    loader->places[index] = strdup(place);
    if (loader->places[index] == NULL)
        dff_config_no_memory(loader);
}

bool
dff_config_first_time(dff_config_loader_t *loader, size_t index, const char *key,
    const char *place)
{
    if (loader->places[index] != NULL) {
        dff_config_find(loader, DFF_CONFIG_ERROR, place, "%s stands here again, first at %s", key,
            loader->places[index]);
        return false;
    }
    dff_config_set_place(loader, index, place);
    return true;
}

void
dff_config_take_setting(dff_config_loader_t *loader, size_t index, const char *place,
    const char *text, bool quoted)
{
    dff_setting_input_t input = { text, quoted, loader->base };
    dff_err_t           err;

    if (dff_setting_store(dff_setting_at(index), &input, loader->cfg, &err) != DFF_OK) {
        dff_config_find(loader, DFF_CONFIG_ERROR, place, "%s", err.message);
        loader->refused[index] = true;
    }
}

static dff_config_custom_t *
dff_config_find_custom(dff_config_t *cfg, const char *key)
{
    size_t i;

    for (i = 0; i < cfg->ncustom; i++) {
        if (strcmp(cfg->custom[i].key, key) == 0)
            return &cfg->custom[i];
    }
    return NULL;
}

static bool
dff_config_is_custom_key(const char *key)
{
    size_t len = strlen(key);

    return len > 7 && len <= 128
        && strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static void
dff_config_wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

int
dff_config_take_custom(dff_config_loader_t *loader, const char *key, const char *place, char *json,
    bool from_file)
{
    dff_config_t        *cfg = loader->cfg;
    dff_config_custom_t *custom = dff_config_find_custom(cfg, key), *more;

    if (!dff_config_is_custom_key(key)) {
        dff_config_find(loader, DFF_CONFIG_ERROR, place, "%.64s must be CUSTOM_ and up to 121 "
            "letters, digits and '_'", key);
    } else if (custom != NULL && from_file) {
        dff_config_find(loader, DFF_CONFIG_ERROR, place, "%s stands here again", key);
    } else if (custom == NULL && cfg->ncustom == DFF_CONFIG_CUSTOM_MAX) {
        dff_config_find(loader, DFF_CONFIG_ERROR, place, "more than %d CUSTOM_ keys",
            DFF_CONFIG_CUSTOM_MAX);
    } else if (custom != NULL) {
        dff_config_wipe(custom->json);
        custom->json = json;
        return DFF_OK;
    } else {
        more = realloc(cfg->custom, (cfg->ncustom + 1) * sizeof(*more));
        if (more != NULL) {
            cfg->custom = more;
            more[cfg->ncustom] = (dff_config_custom_t) { strdup(key), json };
            if (more[cfg->ncustom].key != NULL) {
                cfg->ncustom++;
                return DFF_OK;
            }
        }
        dff_config_no_memory(loader);
        dff_config_wipe(json);
        return DFF_ERROR;
    }
    dff_config_wipe(json);
    return DFF_OK;
}

/* Relative paths begin where the file is, whatever the working directory. */
static int
dff_config_set_base(dff_config_loader_t *loader, const char *path)
{
    char *slash;

    if (path == NULL) {
        (void) snprintf(loader->base, sizeof(loader->base), "%s", DFF_CONFIG_FOLDER);
        return DFF_OK;
    }
    loader->cfg->path = strdup(path);
    if (loader->cfg->path == NULL) {
        dff_config_no_memory(loader);
        return DFF_ERROR;
    }
    if (realpath(path, loader->base) == NULL) {
        dff_config_find(loader, DFF_CONFIG_ERROR, path, "cannot be opened: %m");
        return DFF_ERROR;
    }
    slash = strrchr(loader->base, '/');
    slash[slash == loader->base ? 1 : 0] = '\0';
    return DFF_OK;
}

/* The table's own defaults pass the checks too; SECRET's is empty, and refused
 * only when nothing else sets it. */
static int
dff_config_set_defaults(dff_config_loader_t *loader)
{
    const dff_setting_t *row;
    dff_setting_input_t  input = { .base = loader->base };
    dff_setting_t        unchecked;
    dff_err_t            err;
    size_t               i;

    for (i = 0; i < DFF_SETTING_COUNT; i++) {
        row = dff_setting_at(i);
        unchecked = *row;
        unchecked.check = NULL;
        input.text = row->fallback;
        if (dff_setting_store(&unchecked, &input, loader->cfg, &err) != DFF_OK) {
            dff_config_find(loader, DFF_CONFIG_ERROR, "default", "%s", err.message);
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}

static void
dff_config_take_custom_env(dff_config_loader_t *loader, const char *key, const char *place,
    const char *value)
{
    dff_buf_t       json = DFF_BUF_INIT;
    dff_json_type_t type;
    dff_str_t       text = dff_str_from(value), trimmed;
    char           *taken;

    /* An array or object is JSON, anything else is typed like a plain scalar. */
    if (dff_json_check(text, &trimmed, &type, NULL) == DFF_OK
        && (type == DFF_JSON_ARRAY || type == DFF_JSON_OBJECT))
    {
        dff_buf_add_str(&json, trimmed);
    } else {
        dff_config_scalar_json(&json, text, false);
    }
    taken = dff_buf_take(&json, NULL);
    if (taken == NULL)
        dff_config_no_memory(loader);
    else
        (void) dff_config_take_custom(loader, key, place, taken, false);
}

/* One "DFF_KEY=value" of the environment. Others may use the prefix for their own
 * ends, so only a name that looks like a mistyped key is worth a warning. */
static void
dff_config_take_env(dff_config_loader_t *loader, const char *name, const char *value)
{
    char                 place[DFF_CONFIG_PLACE_SIZE];
    const char          *key = name + sizeof(DFF_ENV_PREFIX) - 1;
    const dff_setting_t *near;
    size_t               index = dff_setting_find(key);

    (void) snprintf(place, sizeof(place), "environment %.256s", name);
    if (strncmp(key, "CUSTOM_", 7) == 0) {
        dff_config_take_custom_env(loader, key, place, value);
    } else if (index != DFF_SETTING_NONE) {
        dff_config_set_place(loader, index, place);
        dff_config_take_setting(loader, index, place, value, false);
    } else {
        near = dff_setting_nearest(key);
        if (near != NULL) {
            dff_config_find(loader, DFF_CONFIG_WARNING, place, "unknown key %.64s is ignored, did "
                "you mean " DFF_ENV_PREFIX "%s?", key, near->key);
        }
    }
}

static void
dff_config_read_environment(dff_config_loader_t *loader)
{
    char      **entry;
    const char *equals;
    char       *name;

    for (entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, DFF_ENV_PREFIX, sizeof(DFF_ENV_PREFIX) - 1) != 0)
            continue;
        equals = strchr(*entry, '=');
        if (equals == NULL)
            continue;
        name = strndup(*entry, (size_t) (equals - *entry));
        if (name == NULL) {
            dff_config_no_memory(loader);
            return;
        }
        dff_config_take_env(loader, name, equals + 1);
        free(name);
    }
}

/* Where a value comes from, for findings about several. */
static const char *
dff_config_place_of(const dff_config_loader_t *loader, size_t index)
{
    return loader->places[index] == NULL ? "default" : loader->places[index];
}

/* Pairs of which the first may not exceed the second. */
static void
dff_config_check_order(dff_config_loader_t *loader)
{
    static const char *const pairs[][2] = {
        { "_FUNC_TASK_MIN_TIMEOUT", "_FUNC_TASK_MAX_TIMEOUT" },
        { "_FUNC_TASK_MIN_TIMEOUT", "_FUNC_TASK_DEFAULT_TIMEOUT" },
        { "_FUNC_TASK_DEFAULT_TIMEOUT", "_FUNC_TASK_MAX_TIMEOUT" },
        { "_FUNC_TASK_MIN_API_TIMEOUT", "_FUNC_TASK_MAX_API_TIMEOUT" },
        { "_FUNC_TASK_MIN_API_TIMEOUT", "_FUNC_TASK_DEFAULT_API_TIMEOUT" },
        { "_FUNC_TASK_DEFAULT_API_TIMEOUT", "_FUNC_TASK_MAX_API_TIMEOUT" },
        { "_WORKER_CONCURRENCY", "_WORKER_MAX_CONCURRENCY" },
    };
    size_t  i, low, high;
    int64_t low_value, high_value;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        low = dff_setting_find(pairs[i][0]);
        high = dff_setting_find(pairs[i][1]);
        if (loader->refused[low] || loader->refused[high])
            continue;
        low_value = dff_setting_number(dff_setting_at(low), loader->cfg);
        high_value = dff_setting_number(dff_setting_at(high), loader->cfg);
        if (low_value <= high_value || (high_value == 0 && dff_setting_at(high)->min == 0))
            continue;
        dff_config_find(loader, DFF_CONFIG_ERROR,
            dff_config_place_of(loader, loader->places[low] != NULL ? low : high),
            "%s is %lld, more than %s, which is %lld", pairs[i][0], (long long) low_value,
            pairs[i][1], (long long) high_value);
    }
}

static void
dff_config_check_secret(dff_config_loader_t *loader)
{
    size_t      index = dff_setting_find("SECRET");
    const char *place = dff_config_place_of(loader, index);

    if (loader->cfg->secret[0] != '\0') {
        if (strlen(loader->cfg->secret) < DFF_SECRET_SHORT) {
            dff_config_find(loader, DFF_CONFIG_WARNING, place, "SECRET is short: %d characters "
                "or more are hard to guess", DFF_SECRET_SHORT);
        }
        return;
    }
    if (loader->refused[index])
        return;
    if (loader->places[index] == NULL)
        place = loader->cfg->path == NULL ? "environment " DFF_ENV_PREFIX "SECRET"
                                          : loader->cfg->path;
    dff_config_find(loader, DFF_CONFIG_ERROR, place, "SECRET must be %s, but is missing",
        dff_check_secret(""));
}

int
dff_config_load(dff_config_t *cfg, const char *path, dff_config_report_fn report,
    void *report_ctx, dff_err_t *err)
{
    dff_config_loader_t loader = {
        .cfg = cfg, .report = report, .report_ctx = report_ctx, .err = err
    };
    size_t i;

    memset(cfg, 0, sizeof(*cfg));
    if (dff_config_set_base(&loader, path) != DFF_OK || dff_config_set_defaults(&loader) != DFF_OK)
        goto done;
    /* After bad YAML the rest is unknown: what it lacks would be noise. */
    if (path != NULL && dff_config_read_yaml(&loader, path) != DFF_OK)
        goto done;
    dff_config_read_environment(&loader);
    dff_config_check_order(&loader);
    dff_config_check_secret(&loader);

done:
    for (i = 0; i < DFF_SETTING_COUNT; i++)
        free(loader.places[i]);
    if (loader.errors == 0)
        return DFF_OK;
    dff_config_release(cfg);
    return DFF_ERROR;
}

void
dff_config_release(dff_config_t *cfg)
{
    const dff_setting_t *row;
    size_t               i;

    if (cfg == NULL)
        return;
    for (i = 0; i < DFF_SETTING_COUNT; i++) {
        row = dff_setting_at(i);
        if (row->type <= DFF_SETTING_MAP)
            dff_config_wipe(*dff_setting_text(row, cfg));
    }
    for (i = 0; i < cfg->ncustom; i++) {
        free(cfg->custom[i].key);
        dff_config_wipe(cfg->custom[i].json);
    }
    free(cfg->custom);
    free(cfg->path);
    memset(cfg, 0, sizeof(*cfg));
}

static bool
dff_config_differs(const dff_setting_t *row, const dff_config_t *a, const dff_config_t *b)
{
    if (row->type <= DFF_SETTING_MAP)
        return strcmp(*dff_setting_text(row, a), *dff_setting_text(row, b)) != 0;
    return dff_setting_number(row, a) != dff_setting_number(row, b);
}

void
dff_config_restart_keys(const dff_config_t *a, const dff_config_t *b,
    void (*tell)(void *ctx, const char *key), void *ctx)
{
    const dff_setting_t *row;
    size_t               i;

    for (i = 0; i < DFF_SETTING_COUNT; i++) {
        row = dff_setting_at(i);
        if ((row->flags & DFF_SETTING_RUNTIME) == 0 && dff_config_differs(row, a, b))
            tell(ctx, row->key);
    }
}
