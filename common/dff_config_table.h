/*
 * The table of settings, and what turns a text into the value of a row.
 * Internal to common/ (dff_config.h is the public side).
 */
#ifndef DFF_CONFIG_TABLE_H
#define DFF_CONFIG_TABLE_H

#include "dff_buf.h"
#include "dff_config.h"

typedef enum {
    DFF_SETTING_TEXT,      /* char *: any scalar, as written */
    DFF_SETTING_PATH,      /* char *: a relative one begins at the file's folder; "" stays */
    DFF_SETTING_LIST,      /* char *: a scalar, or a sequence joined with commas */
    DFF_SETTING_MAP,       /* char *: LIST, or a mapping as key=value items */
    DFF_SETTING_INT,       /* int64_t, min to max */
    DFF_SETTING_SIZE,      /* int64_t: bytes, K, M and G are powers of 1024 */
    DFF_SETTING_BOOL,      /* bool */
    DFF_SETTING_CHOICE,    /* int64_t: index into names */
    DFF_SETTING_FORMAT,    /* bool: names[0] or names[1] */
    DFF_SETTING_TYPE_COUNT
} dff_setting_type_t;

#define DFF_SETTING_SECRET   1u    /* never shown */
#define DFF_SETTING_RUNTIME  2u    /* a reload applies it; else a restart does */

/* A check of a text: NULL when it is good, else what it must be. */
typedef const char *(*dff_setting_check_fn)(const char *text);

typedef struct {
    const char          *key;
    const char          *fallback;      /* the default, as text */
    const char          *about;         /* one line of the reference */
    dff_setting_type_t   type;
    size_t               offset;        /* in dff_config_t */
    int64_t              min, max;
    const char *const   *names;         /* CHOICE, FORMAT; ends with NULL */
    dff_setting_check_fn check;         /* texts */
    unsigned             flags;
} dff_setting_t;

/* Rows of one heading of the reference. */
typedef struct {
    const char          *title;
    const dff_setting_t *rows;
    size_t               count;
} dff_setting_group_t;

#define DFF_SETTING_COUNT  60

extern const dff_setting_group_t dff_setting_groups[];
extern const size_t dff_setting_group_count;

/* The i-th row of all groups, NULL behind the last. */
const dff_setting_t *dff_setting_at(size_t i);
/* DFF_SETTING_NONE when there is none. */
#define DFF_SETTING_NONE  ((size_t) -1)
size_t dff_setting_find(const char *key);
/* The row whose key is nearest to a mistyped one, NULL when none is near. */
const dff_setting_t *dff_setting_nearest(const char *key);

/* A value as it came from the file or the environment. */
typedef struct {
    const char *text;
    bool        quoted;      /* a string in the file: no number, no bool */
    const char *base;        /* folder of relative paths */
} dff_setting_input_t;

/* Checks and stores; err says what the value must be and what came (without the
 * place; "***" for secrets). The old value stays when it fails. */
int dff_setting_store(const dff_setting_t *row, const dff_setting_input_t *input,
    dff_config_t *cfg, dff_err_t *err);

/* What the value must be: "an integer from 1 to 1024". */
void dff_setting_expects(const dff_setting_t *row, char *out, size_t size);

char **dff_setting_text(const dff_setting_t *row, const dff_config_t *cfg);
int64_t dff_setting_number(const dff_setting_t *row, const dff_config_t *cfg);

/* The checks (dff_config_check.c). */
const char *dff_check_secret(const char *text);
const char *dff_check_timezone(const char *text);
const char *dff_check_address(const char *text);
const char *dff_check_url(const char *text);
const char *dff_check_networks(const char *text);
const char *dff_check_not_empty(const char *text);
const char *dff_check_aliases(const char *text);
const char *dff_check_groups(const char *text);
const char *dff_check_user(const char *text);
const char *dff_check_crontab(const char *text);
const char *dff_check_node(const char *text);

/* Reading the file (dff_config_yaml.c): what each event means is the loader's. */
typedef struct dff_config_loader_s dff_config_loader_t;
int dff_config_read_yaml(dff_config_loader_t *loader, const char *path);

/* A scalar as JSON, typed as YAML's core schema types a plain one. */
void dff_config_scalar_json(dff_buf_t *out, dff_str_t text, bool quoted);

/* Called by the reader, in the file's order (dff_config.c). place: "file:12:3". */
void dff_config_find(dff_config_loader_t *loader, dff_config_severity_t severity,
    const char *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void dff_config_take_setting(dff_config_loader_t *loader, size_t index, const char *place,
    const char *text, bool quoted);
/* True the first time that the file names this key. */
bool dff_config_first_time(dff_config_loader_t *loader, size_t index, const char *key,
    const char *place);
/* Takes json in any case. */
int dff_config_take_custom(dff_config_loader_t *loader, const char *key, const char *place,
    char *json, bool from_file);
void dff_config_no_memory(dff_config_loader_t *loader);

#endif
