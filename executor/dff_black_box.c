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
    size_t at, part;

    if (box == NULL)
        return;
    if (text.len > sizeof(box->log)) {
        text.data += text.len - sizeof(box->log);
        text.len = sizeof(box->log);
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

/* From the first whole line on, when the beginning is gone. */
void
dff_black_box_end_of_log(const dff_black_box_t *box, dff_buf_t *out)
{
    char        copy[DFF_BLACK_BOX_LOG];
    uint32_t    written = box == NULL ? 0 : box->log_len;
    size_t      at = written % sizeof(box->log), skip = 0;
    const char *newline;

    if (written == 0)
        return;
    if (written <= sizeof(copy)) {
        memcpy(copy, box->log, written);
    } else {
        memcpy(copy, box->log + at, sizeof(copy) - at);
        memcpy(copy + sizeof(copy) - at, box->log, at);
        written = sizeof(copy);
        newline = memchr(copy, '\n', sizeof(copy));
        skip = newline == NULL ? 0 : (size_t) (newline - copy) + 1;
    }
    dff_buf_add(out, copy + skip, written - skip);
}

void
dff_black_box_tell(const dff_black_box_t *box, dff_buf_t *out)
{
    char   stack[DFF_BLACK_BOX_STACK];
    size_t len;

    if (box == NULL)
        return;
    memcpy(stack, box->stack, sizeof(stack));
    len = strnlen(stack, sizeof(stack));
    if (len > 0) {
        dff_buf_add_str(out, DFF_STR("\nat its soft limit: "));
        dff_buf_add(out, stack, len);
    }
    if (box->log_len > 0)
        dff_buf_add_str(out, DFF_STR("\nthe end of its log:\n"));
    dff_black_box_end_of_log(box, out);
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->len--;
}
