/* The black box of a worker: see the header. */
#include "dff_black_box.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dff_banned.h"

int
dff_black_box_make(int *fd, dff_err_t *err)
{
    *fd = memfd_create("dff-black-box", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return dff_err_set(err, DFF_E_SYS, "memfd_create: %s", strerror(errno));
    /* A box that is cut short would kill its reader. */
    if (ftruncate(*fd, (off_t) sizeof(dff_black_box_t)) != 0
        || fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        (void) dff_err_set(err, DFF_E_SYS, "memory shared with a worker: %s", strerror(errno));
        (void) close(*fd);
        *fd = -1;
        return DFF_ERROR;
    }
    return DFF_OK;
}

dff_black_box_t *
dff_black_box_map(int fd)
{
    void *at = mmap(NULL, sizeof(dff_black_box_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

void
dff_black_box_unmap(dff_black_box_t *box)
{
    if (box != NULL)
        (void) munmap(box, sizeof(*box));
}

void
dff_black_box_begin(dff_black_box_t *box)
{
    if (box == NULL)
        return;
    box->log_len = 0;
    box->stack[0] = '\0';
}

void
dff_black_box_log(dff_black_box_t *box, dff_str_t text)
{
    size_t at, part, cut;

    if (box == NULL)
        return;
    if (text.len > sizeof(box->log)) {
        cut = text.len - sizeof(box->log);
        box->log_len += (uint32_t) cut;         /* its reader sees that something is missing */
        text.data += cut;
        text.len -= cut;
    }
    while (text.len > 0) {
        at = box->log_len % sizeof(box->log);
        part = sizeof(box->log) - at < text.len ? sizeof(box->log) - at : text.len;
        memcpy(box->log + at, text.data, part);
        box->log_len += (uint32_t) part;
        text.data += part;
        text.len -= part;
    }
}

/* Read once: a script that is still alive may change it between two reads, and the compiler
 * must not make two of one. */
static uint32_t
dff_black_box_written(const dff_black_box_t *box)
{
    return box == NULL ? 0 : *(const volatile uint32_t *) &box->log_len;
}

/* How much of a text without its beginning belongs to a line, or a character, that began
 * before it. A newline that ends the text begins no line. */
static size_t
dff_black_box_torn(const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len - 1);
    size_t      skip = 0;

    if (newline != NULL)
        return (size_t) (newline - text) + 1;
    while (skip < 3 && ((unsigned char) text[skip] & 0xc0) == 0x80)
        skip++;
    return skip;
}

static void
dff_black_box_add_end(const dff_black_box_t *box, uint32_t written, dff_buf_t *out)
{
    char   copy[DFF_BLACK_BOX_LOG];
    size_t at = written % sizeof(copy), skip;

    if (written <= sizeof(copy)) {
        memcpy(copy, box->log, written);
        dff_buf_add(out, copy, written);
        return;
    }
    memcpy(copy, box->log + at, sizeof(copy) - at);
    memcpy(copy + sizeof(copy) - at, box->log, at);
    skip = dff_black_box_torn(copy, sizeof(copy));
    dff_buf_add(out, copy + skip, sizeof(copy) - skip);
}

void
dff_black_box_end_of_log(const dff_black_box_t *box, dff_buf_t *out)
{
    uint32_t written = dff_black_box_written(box);

    if (written > 0)
        dff_black_box_add_end(box, written, out);
}

void
dff_black_box_tell(const dff_black_box_t *box, dff_buf_t *out)
{
    char     stack[DFF_BLACK_BOX_STACK];
    size_t   len;
    uint32_t written = dff_black_box_written(box);

    if (box == NULL)
        return;
    memcpy(stack, box->stack, sizeof(stack));
    len = strnlen(stack, sizeof(stack));
    if (len > 0) {
        dff_buf_add_str(out, DFF_STR("\nat its soft limit: "));
        dff_buf_add(out, stack, len);
    }
    if (written > 0) {
        dff_buf_add_str(out, DFF_STR("\nthe end of its log:\n"));
        dff_black_box_add_end(box, written, out);
    }
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->len--;
}
