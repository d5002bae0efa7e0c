/*
 * The settings for people: what is in force, and the reference. Runs in dffctl.
 */
#include "dff_config_table.h"

#include <inttypes.h>
#include <strings.h>

#include "dff_json.h"

#include "dff_banned.h"

/* A string in double quotes: JSON's escapes are YAML's too. */
static void
dff_show_string(FILE *out, const char *text)
{
    dff_buf_t buf = DFF_BUF_INIT;

    dff_buf_add_json_escaped(&buf, dff_str_from(text));
    fprintf(out, "\"%s\"\n", buf.data == NULL ? "" : buf.data);
    if (buf.data != NULL)
        explicit_bzero(buf.data, buf.len);
    dff_buf_release(&buf);
}

static void
dff_show_setting(const dff_setting_t *row, const dff_config_t *cfg, FILE *out)
{
    const char *text;

    fprintf(out, "%s: ", row->key);
    switch (row->type) {
    case DFF_SETTING_INT:
    case DFF_SETTING_SIZE:
        fprintf(out, "%" PRId64 "\n", dff_setting_number(row, cfg));
        return;
    case DFF_SETTING_BOOL:
        fprintf(out, "%s\n", dff_setting_number(row, cfg) ? "true" : "false");
        return;
    case DFF_SETTING_CHOICE:
    case DFF_SETTING_FORMAT:
        fprintf(out, "%s\n", row->names[dff_setting_number(row, cfg)]);
        return;
    default:
        text = *dff_setting_text(row, cfg);
        dff_show_string(out, (row->flags & DFF_SETTING_SECRET) && text[0] != '\0' ? "***" : text);
    }
}

/* A script's own key may hold a password; its name is all there is to tell. */
static bool
dff_show_is_secret_name(const char *key)
{
    static const char *const words[] = { "PASSWORD", "PASSWD", "SECRET", "TOKEN", "_KEY" };
    size_t                   i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(key, words[i]) != NULL)
            return true;
    }
    return false;
}

void
dff_config_show(const dff_config_t *cfg, FILE *out)
{
    size_t g, i;

    fprintf(out, "# %s\n", cfg->path == NULL ? "no file: defaults and environment" : cfg->path);
    for (g = 0; g < dff_setting_group_count; g++) {
        fprintf(out, "\n# %s\n", dff_setting_groups[g].title);
        for (i = 0; i < dff_setting_groups[g].count; i++)
            dff_show_setting(&dff_setting_groups[g].rows[i], cfg, out);
    }
    if (cfg->ncustom > 0)
        fprintf(out, "\n# For scripts\n");
    for (i = 0; i < cfg->ncustom; i++) {
        fprintf(out, "%s: %s\n", cfg->custom[i].key,
            dff_show_is_secret_name(cfg->custom[i].key) ? "\"***\"" : cfg->custom[i].json);
    }
}

static void
dff_document_values(const dff_setting_t *row, char *out, size_t size)
{
    static const char *const forms[] = {
        [DFF_SETTING_TEXT] = "text", [DFF_SETTING_PATH] = "path", [DFF_SETTING_LIST] = "list",
        [DFF_SETTING_MAP] = "list or mapping",
    };
    char expected[256];

    if (row->type <= DFF_SETTING_MAP) {
        (void) snprintf(out, size, "%s", forms[row->type]);
        return;
    }
    dff_setting_expects(row, expected, sizeof(expected));
    (void) snprintf(out, size, "%s", expected);
}

/* What the program knows by itself is not written as a value. */
static void
dff_document_default(const dff_setting_t *row, char *out, size_t size)
{
    if (row->fallback[0] == '\0')
        (void) snprintf(out, size, "%s", row->flags & DFF_SETTING_SECRET ? "" : "`''`");
    else
        (void) snprintf(out, size, "`%s`", row->fallback);
}

void
dff_config_document(FILE *out)
{
    const dff_setting_t *row;
    char                 values[256], fallback[128];
    size_t               g, i;

    fputs("# Configuration\n\n"
        "<!-- Made from the table in common/dff_config_table.c: change that, then `make docs`\n"
        "     (build/bin/dffctl config document). A test compares the two. -->\n\n"
        "One YAML file for all programs, `data/user-config.yaml` in the install folder. Every key\n"
        "can be overridden by the environment variable `DFF_<KEY>` (`DFF_LOG_LEVEL=INFO`). A key\n"
        "that is left out, or has no value, has its default. Relative paths begin at the folder\n"
        "of the file. `dffctl config check` tells of all that is wrong with the file, with line\n"
        "and column; `dffctl config show` prints what is in force.\n\n"
        "Sizes are bytes, or a number with `K`, `M` or `G`. Lists are YAML lists or texts with\n"
        "commas. What a reload (`nginx -s reload`, SIGHUP to the executor) applies is marked; the\n"
        "rest needs a restart.\n", out);
    for (g = 0; g < dff_setting_group_count; g++) {
        fprintf(out, "\n## %s\n\n| key | default | values | reload | |\n"
            "| --- | --- | --- | --- | --- |\n", dff_setting_groups[g].title);
        for (i = 0; i < dff_setting_groups[g].count; i++) {
            row = &dff_setting_groups[g].rows[i];
            dff_document_values(row, values, sizeof(values));
            dff_document_default(row, fallback, sizeof(fallback));
            fprintf(out, "| `%s` | %s | %s | %s | %s |\n", row->key, fallback, values,
                row->flags & DFF_SETTING_RUNTIME ? "yes" : "", row->about);
        }
    }
    fputs("\n## Keys for scripts\n\n"
        "Any key `CUSTOM_…` (letters, digits, `_`) with any YAML value. Scripts read it with\n"
        "`DFF.CONFIG('CUSTOM_…')`. In the environment the value is a JSON list or object, or a\n"
        "plain text that is typed as YAML would.\n", out);
}
