/*
 * From the text of a value to the member of dff_config_t, by the row of the
 * setting. Runs at start and reload.
 */
#include "dff_config_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_VALUE_SIZE_MAX  4096      /* of a text */
#define DFF_VALUE_SHOWN     80

static const char *const dff_true_words[] = { "true", "yes", "on", NULL };
static const char *const dff_false_words[] = { "false", "no", "off", NULL };

static void *
dff_setting_field(const dff_setting_t *row, const dff_config_t *cfg)
{
    return (char *) (uintptr_t) cfg + row->offset;
}

char **
dff_setting_text(const dff_setting_t *row, const dff_config_t *cfg)
{
    return dff_setting_field(row, cfg);
}

int64_t
dff_setting_number(const dff_setting_t *row, const dff_config_t *cfg)
{
    if (row->type == DFF_SETTING_BOOL || row->type == DFF_SETTING_FORMAT)
        return *(const bool *) dff_setting_field(row, cfg);
    return *(const int64_t *) dff_setting_field(row, cfg);
}

static void
dff_setting_set_number(const dff_setting_t *row, dff_config_t *cfg, int64_t value)
{
    if (row->type == DFF_SETTING_BOOL || row->type == DFF_SETTING_FORMAT)
        *(bool *) dff_setting_field(row, cfg) = value != 0;
    else
        *(int64_t *) dff_setting_field(row, cfg) = value;
}

static int
dff_setting_word(const char *const *words, const char *text)
{
    int i;

    for (i = 0; words[i] != NULL; i++) {
        if (strcasecmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

/* 33554432 as "32M" where that is exact. */
static void
dff_setting_size_text(int64_t bytes, char *out, size_t size)
{
    static const char suffixes[] = "KMG";
    int               i = 0;

    while (i < 3 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    if (i == 0)
        (void) snprintf(out, size, "%" PRId64, bytes);
    else
        (void) snprintf(out, size, "%" PRId64 "%c", bytes, suffixes[i - 1]);
}

void
dff_setting_expects(const dff_setting_t *row, char *out, size_t size)
{
    char   least[24], most[24];
    size_t i, len;

    switch (row->type) {
    case DFF_SETTING_INT:
        (void) snprintf(out, size, "an integer from %" PRId64 " to %" PRId64, row->min, row->max);
        return;
    case DFF_SETTING_SIZE:
        dff_setting_size_text(row->min, least, sizeof(least));
        dff_setting_size_text(row->max, most, sizeof(most));
        (void) snprintf(out, size, "a size in bytes from %s to %s, with or without K, M or G",
            least, most);
        return;
    case DFF_SETTING_BOOL:
        (void) snprintf(out, size, "true or false");
        return;
    case DFF_SETTING_CHOICE:
    case DFF_SETTING_FORMAT:
        (void) snprintf(out, size, "one of");
        for (i = 0; row->names[i] != NULL; i++) {
            len = strlen(out);
            (void) snprintf(out + len, size - len, "%s %s", i == 0 ? "" : ",", row->names[i]);
        }
        return;
    default:
        (void) snprintf(out, size, "a text of up to %d bytes without control characters",
            DFF_VALUE_SIZE_MAX);
    }
}

static int
dff_setting_refuse(const dff_setting_t *row, const char *expected, const dff_setting_input_t *input,
    dff_err_t *err)
{
    char        buf[256];
    const char *quote = input->quoted ? "\"" : "";

    if (expected == NULL) {
        dff_setting_expects(row, buf, sizeof(buf));
        expected = buf;
    }
    if (input->text[0] == '\0')
        return dff_err_set(err, DFF_E_SYS, "%s must be %s, but is empty", row->key, expected);
    if (row->flags & DFF_SETTING_SECRET)
        return dff_err_set(err, DFF_E_SYS, "%s must be %s, got ***", row->key, expected);
    return dff_err_set(err, DFF_E_SYS, "%s must be %s, got %s%.*s%s", row->key, expected, quote,
        DFF_VALUE_SHOWN, input->text, quote);
}

static bool
dff_setting_parse_size(const char *text, int64_t *value)
{
    static const char suffixes[] = "KMG";
    size_t            len = strspn(text, "0123456789");
    const char       *suffix;
    int64_t           unit = 1;

    if (dff_json_int64((dff_str_t) { text, len }, value) != DFF_OK)
        return false;
    if (text[len] == '\0')
        return true;
    suffix = strchr(suffixes, text[len] & ~0x20);
    if (suffix == NULL || *suffix == '\0' || text[len + 1] != '\0')
        return false;
    unit <<= 10 * (suffix - suffixes + 1);
    return !__builtin_mul_overflow(*value, unit, value);
}

static bool
dff_setting_parse_number(const dff_setting_t *row, const char *text, int64_t *value)
{
    switch (row->type) {
    case DFF_SETTING_INT:
        return dff_json_int64(dff_str_from(text), value) == DFF_OK
            && *value >= row->min && *value <= row->max;
    case DFF_SETTING_SIZE:
        return dff_setting_parse_size(text, value) && *value >= row->min && *value <= row->max;
    case DFF_SETTING_BOOL:
        *value = dff_setting_word(dff_true_words, text) >= 0;
        return *value || dff_setting_word(dff_false_words, text) >= 0;
    default:
        *value = dff_setting_word(row->names, text);
        return *value >= 0;
    }
}

static bool
dff_setting_is_text(const dff_setting_t *row)
{
    return row->type <= DFF_SETTING_MAP;
}

/* A path below base; each leading "../" takes a folder of base away. */
static char *
dff_setting_join_path(const char *base, const char *path)
{
    dff_str_t head = dff_str_from(base);
    char     *joined;

    if (path[0] == '\0' || path[0] == '/')
        return strdup(path);
    while (head.len > 0 && head.data[head.len - 1] == '/')
        head.len--;
    while (strncmp(path, "../", 3) == 0 || strncmp(path, "./", 2) == 0) {
        if (path[1] == '.') {
            while (head.len > 0 && head.data[head.len - 1] != '/')
                head.len--;
            while (head.len > 0 && head.data[head.len - 1] == '/')
                head.len--;
        }
        path += path[1] == '.' ? 3 : 2;
    }
    if (asprintf(&joined, "%.*s/%s", (int) head.len, head.data, path) < 0)
        return NULL;
    return joined;
}

static int
dff_setting_store_text(const dff_setting_t *row, const dff_setting_input_t *input,
    dff_config_t *cfg, dff_err_t *err)
{
    const char *expected = row->check == NULL ? NULL : row->check(input->text);
    const char *p;
    char      **field = dff_setting_text(row, cfg);
    char       *value;

    for (p = input->text; *p != '\0'; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f || p - input->text >= DFF_VALUE_SIZE_MAX)
            return dff_setting_refuse(row, NULL, input, err);
    }
    if (expected != NULL)
        return dff_setting_refuse(row, expected, input, err);

    value = row->type == DFF_SETTING_PATH ? dff_setting_join_path(input->base, input->text)
                                          : strdup(input->text);
    if (value == NULL)
        return dff_err_set(err, DFF_E_SYS, "%s: no memory", row->key);
    if (*field != NULL && (row->flags & DFF_SETTING_SECRET))
        explicit_bzero(*field, strlen(*field));
    free(*field);
    *field = value;
    return DFF_OK;
}

int
dff_setting_store(const dff_setting_t *row, const dff_setting_input_t *input, dff_config_t *cfg,
    dff_err_t *err)
{
    int64_t value;
    bool    wants_number = row->type == DFF_SETTING_INT || row->type == DFF_SETTING_SIZE
        || row->type == DFF_SETTING_BOOL;

    if (dff_setting_is_text(row))
        return dff_setting_store_text(row, input, cfg, err);
    /* A size with its letter is a string in YAML, however it is written. */
    if ((input->quoted && wants_number && row->type != DFF_SETTING_SIZE)
        || !dff_setting_parse_number(row, input->text, &value))
    {
        return dff_setting_refuse(row, NULL, input, err);
    }
    dff_setting_set_number(row, cfg, value);
    return DFF_OK;
}
