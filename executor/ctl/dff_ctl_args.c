/*
 * The command line of dffctl: words to a row of the command table, and the help
 * that the table gives.
 */
#include "ctl/dff_ctl.h"

#include <string.h>

#include "dff_banned.h"

#define DFF_CTL_NAME_MAX  64


static unsigned
dff_ctl_min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}


/* Edits (insert, delete, replace, swap neighbours) that turn a into b, both of up
 * to DFF_CTL_NAME_MAX bytes. */
static unsigned
dff_ctl_distance(const char *a, const char *b)
{
    unsigned rows[3][DFF_CTL_NAME_MAX + 1];     /* of the last three bytes of a */
    size_t   len = strlen(b), i;

    for (size_t k = 0; k <= len; k++) {
        rows[0][k] = (unsigned) k;
    }
    for (i = 1; a[i - 1] != '\0'; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];

        now[0] = (unsigned) i;
        for (size_t k = 1; k <= len; k++) {
            now[k] = dff_ctl_min(before[k - 1] + (a[i - 1] != b[k - 1]),
                                 dff_ctl_min(before[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
                now[k] = dff_ctl_min(now[k], earlier[k - 2] + 1);
            }
        }
    }
    return rows[(i - 1) % 3][len];
}


const dff_ctl_command_t *
dff_ctl_nearest(const char *text, bool noun)
{
    const dff_ctl_command_t *nearest = NULL;
    size_t                   len = strlen(text);
    unsigned                 best = (unsigned) len / 3 + 1;     /* farther is no typo */

    if (len > DFF_CTL_NAME_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < dff_ctl_command_count; i++) {
        const char *full = dff_ctl_commands[i].name;
        char        name[DFF_CTL_NAME_MAX];
        unsigned    distance;

        (void) snprintf(name, sizeof(name), "%.*s", noun ? (int) strcspn(full, " ") : INT_MAX,
                        full);
        distance = dff_ctl_distance(text, name);
        if (distance < best) {
            best = distance;
            nearest = &dff_ctl_commands[i];
        }
    }
    return nearest;
}


static void
dff_ctl_help_line(const dff_ctl_command_t *command, FILE *out)
{
    fprintf(out, "dffctl %s", command->name);
    for (size_t i = 0; i < DFF_CTL_WORDS && command->words[i] != NULL; i++) {
        fprintf(out, " %s", command->words[i]);
    }
    for (size_t i = 0; i < DFF_CTL_OPTIONS && command->options[i].name != NULL; i++) {
        const dff_ctl_option_t *option = &command->options[i];

        fprintf(out, option->required ? " %s%s%s" : " [%s%s%s]", option->name,
                option->value == NULL ? "" : " ", option->value == NULL ? "" : option->value);
    }
}


void
dff_ctl_help(const dff_ctl_command_t *command, FILE *out)
{
    fputs("usage: ", out);
    dff_ctl_help_line(command, out);
    fprintf(out, "\n\n%s\n", command->help);
    if (command->options[0].name != NULL) {
        fputc('\n', out);
    }
    for (size_t i = 0; i < DFF_CTL_OPTIONS && command->options[i].name != NULL; i++) {
        const dff_ctl_option_t *option = &command->options[i];
        int                     width;

        width = fprintf(out, "  %s %s", option->name, option->value == NULL ? "" : option->value);
        fprintf(out, "%*s%s\n", width < 22 ? 22 - width : 1, "", option->help);
    }
    if (command->more != NULL) {
        fprintf(out, "\n%s\n", command->more);
    }
}


void
dff_ctl_help_all(FILE *out)
{
    fputs("usage: dffctl [--config FILE] COMMAND\n\n", out);
    for (size_t i = 0; i < dff_ctl_command_count; i++) {
        fputs("  ", out);
        dff_ctl_help_line(&dff_ctl_commands[i], out);
        fprintf(out, "\n      %s\n", dff_ctl_commands[i].help);
    }
    fputs("\n--config FILE, else DFF_CONFIG, else data/user-config.yaml beside the program's\n"
          "folder, else /usr/local/dataflux-func/data/user-config.yaml.\n"
          "COMMAND --help tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n", out);
}


/* 1 or 2 leading words that name a command; 0: none. */
static int
dff_ctl_match(dff_ctl_t *ctl, int argc, char **argv)
{
    for (size_t i = 0; i < dff_ctl_command_count; i++) {
        const char *name = dff_ctl_commands[i].name;
        const char *space = strchr(name, ' ');

        if (space == NULL) {
            if (strcmp(name, argv[0]) == 0) {
                ctl->command = &dff_ctl_commands[i];
                return 1;
            }
            continue;
        }
        if (argc > 1 && strncmp(name, argv[0], (size_t) (space - name)) == 0
            && argv[0][space - name] == '\0' && strcmp(space + 1, argv[1]) == 0)
        {
            ctl->command = &dff_ctl_commands[i];
            return 2;
        }
    }
    return 0;
}


static void
dff_ctl_print_noun(const dff_ctl_command_t *command)
{
    size_t len = strcspn(command->name, " ");

    fputs("did you mean one of\n", stderr);
    for (size_t i = 0; i < dff_ctl_command_count; i++) {
        const char *name = dff_ctl_commands[i].name;

        if (strncmp(name, command->name, len) == 0 && (name[len] == ' ' || name[len] == '\0')) {
            fputs("  ", stderr);
            dff_ctl_help_line(&dff_ctl_commands[i], stderr);
            fputc('\n', stderr);
        }
    }
}


static int
dff_ctl_unknown(int argc, char **argv)
{
    const dff_ctl_command_t *nearest;
    char                     two[2 * DFF_CTL_NAME_MAX];
    bool                     second = argc > 1 && argv[1][0] != '-';    /* no option */

    (void) snprintf(two, sizeof(two), second ? "%.60s %.60s" : "%.60s", argv[0],
                    second ? argv[1] : "");
    fputs("dffctl: unknown command: ", stderr);
    dff_ctl_print_text(stderr, two, strlen(two));

    nearest = dff_ctl_nearest(two, false);
    if (nearest != NULL) {
        fprintf(stderr, "did you mean: dffctl %s\n", nearest->name);
        return DFF_CTL_USAGE;
    }
    nearest = dff_ctl_nearest(argv[0], true);
    if (nearest != NULL) {
        dff_ctl_print_noun(nearest);
    } else {
        fputs("dffctl --help lists the commands\n", stderr);
    }
    return DFF_CTL_USAGE;
}


static int
dff_ctl_usage(const dff_ctl_t *ctl, const char *text, const char *word)
{
    fprintf(stderr, "dffctl %s: %s%s\n", ctl->command->name, text, word);
    fputs("usage: ", stderr);
    dff_ctl_help_line(ctl->command, stderr);
    fputc('\n', stderr);
    return DFF_CTL_USAGE;
}


/* Is text the option, or "option=value"? *value: behind the '=', else NULL. */
static bool
dff_ctl_is_option(const char *text, const char *name, const char **value)
{
    size_t len = strlen(name);

    if (strncmp(text, name, len) != 0 || (text[len] != '\0' && text[len] != '=')) {
        return false;
    }
    *value = text[len] == '=' ? text + len + 1 : NULL;
    return true;
}


/* Takes the option at argv[*at]. */
static int
dff_ctl_take_option(dff_ctl_t *ctl, int argc, char **argv, int *at)
{
    const dff_ctl_option_t *options = ctl->command->options;
    const char             *value;

    for (size_t i = 0; i < DFF_CTL_OPTIONS && options[i].name != NULL; i++) {
        if (!dff_ctl_is_option(argv[*at], options[i].name, &value)) {
            continue;
        }
        if (options[i].value == NULL) {
            ctl->options[i] = "";
            return value == NULL ? DFF_CTL_OK
                                 : dff_ctl_usage(ctl, "takes no value: ", options[i].name);
        }
        if (value == NULL) {
            if (*at + 1 >= argc) {
                return dff_ctl_usage(ctl, "a value is missing behind ", options[i].name);
            }
            value = argv[++*at];
        }
        ctl->options[i] = value;
        return DFF_CTL_OK;
    }
    return dff_ctl_usage(ctl, "unknown option: ", argv[*at]);
}


static int
dff_ctl_take_word(dff_ctl_t *ctl, const char *word)
{
    for (size_t i = 0; i < DFF_CTL_WORDS && ctl->command->words[i] != NULL; i++) {
        if (ctl->words[i] == NULL) {
            ctl->words[i] = word;
            return DFF_CTL_OK;
        }
    }
    return dff_ctl_usage(ctl, "one word too many: ", word);
}


static int
dff_ctl_check_complete(const dff_ctl_t *ctl)
{
    const dff_ctl_command_t *command = ctl->command;

    for (size_t i = 0; i < DFF_CTL_WORDS && command->words[i] != NULL; i++) {
        if (ctl->words[i] == NULL && command->words[i][0] != '[') {
            return dff_ctl_usage(ctl, "is missing: ", command->words[i]);
        }
    }
    for (size_t i = 0; i < DFF_CTL_OPTIONS && command->options[i].name != NULL; i++) {
        if (ctl->options[i] == NULL && command->options[i].required) {
            return dff_ctl_usage(ctl, "is missing: ", command->options[i].name);
        }
    }
    return DFF_CTL_OK;
}


/* Place of a command's option of that name; DFF_CTL_OPTIONS: it has none. */
static size_t
dff_ctl_find_option(const dff_ctl_command_t *command, const char *name)
{
    for (size_t i = 0; i < DFF_CTL_OPTIONS && command->options[i].name != NULL; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return i;
        }
    }
    return DFF_CTL_OPTIONS;
}


const char *
dff_ctl_option(const dff_ctl_t *ctl, const char *name)
{
    size_t at = dff_ctl_find_option(ctl->command, name);

    return at == DFF_CTL_OPTIONS ? NULL : ctl->options[at];
}


/* --config and --help stand before or behind the command. 1: *at was one of them,
 * 0: it was not, DFF_CTL_USAGE: printed. */
static int
dff_ctl_take_global(dff_ctl_t *ctl, int argc, char **argv, int *at)
{
    const char *value;

    if (strcmp(argv[*at], "--help") == 0 || strcmp(argv[*at], "-h") == 0) {
        ctl->help = true;
        return 1;
    }
    if (!dff_ctl_is_option(argv[*at], "--config", &value)
        || (ctl->command != NULL
            && dff_ctl_find_option(ctl->command, "--config") != DFF_CTL_OPTIONS))
    {
        return 0;
    }
    if (value == NULL && *at + 1 < argc) {
        value = argv[++*at];
    }
    if (value == NULL || value[0] == '\0' || strlen(value) >= sizeof(ctl->config_path)) {
        fputs("dffctl: --config needs the name of a file\n", stderr);
        return DFF_CTL_USAGE;
    }
    (void) snprintf(ctl->config_path, sizeof(ctl->config_path), "%s", value);
    return 1;
}


static int
dff_ctl_take_all(dff_ctl_t *ctl, int argc, char **argv)
{
    bool only_words = false;

    for (int at = 0; at < argc; at++) {
        int rc = only_words ? 0 : dff_ctl_take_global(ctl, argc, argv, &at);

        if (rc == DFF_CTL_USAGE) {
            return rc;
        }
        if (rc == 1) {
            continue;
        }
        if (!only_words && strcmp(argv[at], "--") == 0) {
            only_words = true;
            continue;
        }
        rc = !only_words && argv[at][0] == '-' && argv[at][1] == '-'
            ? dff_ctl_take_option(ctl, argc, argv, &at) : dff_ctl_take_word(ctl, argv[at]);
        if (rc != DFF_CTL_OK) {
            return rc;
        }
    }
    return ctl->help ? DFF_CTL_OK : dff_ctl_check_complete(ctl);
}


int
dff_ctl_parse(dff_ctl_t *ctl, int argc, char **argv)
{
    int at = 1, used;

    for ( ; at < argc && argv[at][0] == '-'; at++) {
        int rc = dff_ctl_take_global(ctl, argc, argv, &at);

        if (rc == 0) {
            fprintf(stderr, "dffctl: unknown option: %s\n", argv[at]);
        }
        if (rc != 1) {
            return DFF_CTL_USAGE;
        }
    }
    if (at >= argc) {
        if (!ctl->help) {
            dff_ctl_help_all(stderr);
        }
        return ctl->help ? DFF_CTL_OK : DFF_CTL_USAGE;
    }

    used = dff_ctl_match(ctl, argc - at, argv + at);
    if (used == 0) {
        return dff_ctl_unknown(argc - at, argv + at);
    }
    if (ctl->command->needs & DFF_CTL_REST) {
        ctl->rest = argv + at + used;
        ctl->rest_count = argc - at - used;
        ctl->help = ctl->help || (ctl->rest_count > 0 && strcmp(ctl->rest[0], "--help") == 0);
        return DFF_CTL_OK;
    }
    return dff_ctl_take_all(ctl, argc - at - used, argv + at + used);
}
