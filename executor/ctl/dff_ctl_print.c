/*
 * What dffctl prints: failures, tables, text of others.
 */
#include "ctl/dff_ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "dff_banned.h"

#define DFF_CTL_COLUMNS_MAX  16


int
dff_ctl_fail(const dff_ctl_t *ctl)
{
    fprintf(stderr, "dffctl %s: ", ctl->command->name);
    dff_ctl_print_text(stderr, ctl->err.message, strlen(ctl->err.message));
    return ctl->err.reason == DFF_E_CLIENT_BAD_REQUEST ? DFF_CTL_USAGE : DFF_CTL_FAILED;
}


int
dff_ctl_fail_with(dff_ctl_t *ctl, dff_reason_t reason, const char *format, ...)
{
    char    text[DFF_ERR_MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    dff_err_set(&ctl->err, reason, "%s", text);
    return dff_ctl_fail(ctl);
}


void
dff_ctl_print_piece(FILE *out, const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *) text;

    /* Escape sequences of a terminal must not come from scripts or titles; U+0080 to
     * U+009F (0xc2 and a byte) begin such ones, too. */
    for (size_t i = 0; i < len; i++) {
        bool c0 = (bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\t') || bytes[i] == 0x7f;
        bool c1 = bytes[i] == 0xc2 && i + 1 < len && bytes[i + 1] >= 0x80 && bytes[i + 1] < 0xa0;

        fputc(c0 || c1 ? '?' : bytes[i], out);
        i += c1;
    }
}


void
dff_ctl_print_text(FILE *out, const char *text, size_t len)
{
    dff_ctl_print_piece(out, text, len);
    if (len == 0 || text[len - 1] != '\n') {
        fputc('\n', out);
    }
}


/* Columns that text takes on a terminal; prints it when out is not NULL. */
static int
dff_ctl_cell(const char *text, FILE *out)
{
    mbstate_t state = { 0 };
    int       width = 0;

    while (text != NULL && *text != '\0') {
        wchar_t c;
        size_t  len = mbrtowc(&c, text, strlen(text), &state);
        int     columns = len == (size_t) -1 || len == (size_t) -2 ? -1 : wcwidth(c);

        if (columns < 0) {
            if (out != NULL) {
                fputc('?', out);
            }
            width++;
            text += len == (size_t) -1 || len == (size_t) -2 ? 1 : len;
            memset(&state, 0, sizeof(state));
            continue;
        }
        if (out != NULL) {
            (void) fwrite(text, 1, len, out);       /* a broken stdout is seen at the end */
        }
        width += columns;
        text += len;
    }
    return width;
}


static void
dff_ctl_print_row(const char *const *cells, size_t ncolumns, const int *widths)
{
    for (size_t i = 0; i < ncolumns; i++) {
        int width = dff_ctl_cell(cells[i], stdout);

        if (i + 1 < ncolumns) {
            printf("%*s", widths[i] - width + 2, "");
        }
    }
    putchar('\n');
}


void
dff_ctl_print_table(const char *const *titles, size_t ncolumns, const char *const *cells,
    size_t nrows)
{
    int widths[DFF_CTL_COLUMNS_MAX] = { 0 };

    ncolumns = ncolumns < DFF_CTL_COLUMNS_MAX ? ncolumns : DFF_CTL_COLUMNS_MAX;
    for (size_t i = 0; i < ncolumns; i++) {
        widths[i] = dff_ctl_cell(titles[i], NULL);
        for (size_t row = 0; row < nrows; row++) {
            int width = dff_ctl_cell(cells[row * ncolumns + i], NULL);

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    dff_ctl_print_row(titles, ncolumns, widths);
    for (size_t row = 0; row < nrows; row++) {
        dff_ctl_print_row(cells + row * ncolumns, ncolumns, widths);
    }
}


int
dff_ctl_number(dff_ctl_t *ctl, const char *what, const char *text, int64_t min, int64_t max,
    int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *value < min || *value > max) {
        return dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST,
                           "%s must be a number from %lld to %lld, got \"%.40s\"", what,
                           (long long) min, (long long) max, text);
    }
    return DFF_OK;
}
