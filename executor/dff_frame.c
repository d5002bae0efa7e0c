/*
 * Frames between the master, the zygote and the workers: writing and reading
 * of the layout that dff_frame.h describes. Runs in all three processes.
 */
#include "dff_frame.h"

#include <string.h>

#include "dff_banned.h"

size_t
dff_frame_begin(dff_buf_t *buf, dff_frame_type_t type, uint64_t seq)
{
    size_t           begin = buf->len;
    dff_frame_head_t head = {
        .version = DFF_FRAME_VERSION,
        .type = (uint16_t) type,
        .seq = seq,
    };

    dff_buf_add(buf, &head, sizeof(head));
    return begin;
}

void
dff_frame_end(dff_buf_t *buf, size_t begin)
{
    uint32_t size;
    size_t   payload;

    /* After a failed allocation the head may not be there; the caller sees the
     * failure in dff_buf_failed(). */
    if (dff_buf_failed(buf) || buf->len < begin + sizeof(dff_frame_head_t))
        return;

    payload = buf->len - begin - sizeof(dff_frame_head_t);
    if (payload > DFF_FRAME_MAX_SIZE) {
        buf->failed = true;
        return;
    }

    size = (uint32_t) payload;
    memcpy(buf->data + begin + offsetof(dff_frame_head_t, size), &size, sizeof(size));
}

void
dff_frame_put_u32(dff_buf_t *buf, uint32_t value)
{
    dff_buf_add(buf, &value, sizeof(value));
}

void
dff_frame_put_u64(dff_buf_t *buf, uint64_t value)
{
    dff_buf_add(buf, &value, sizeof(value));
}

void
dff_frame_put_str(dff_buf_t *buf, dff_str_t text)
{
    if (text.len > DFF_FRAME_MAX_SIZE) {
        buf->failed = true;
        return;
    }
    dff_frame_put_u32(buf, (uint32_t) text.len);
    dff_buf_add(buf, text.data, text.len);
}

int
dff_frame_peek(dff_str_t bytes, dff_frame_head_t *head, dff_str_t *payload, dff_err_t *err)
{
    if (bytes.len < sizeof(*head))
        return 0;
    memcpy(head, bytes.data, sizeof(*head));

    if (head->version != DFF_FRAME_VERSION)
        return dff_err_set(err, DFF_E_SYS, "frame version is %u, expected %d",
                           (unsigned) head->version, DFF_FRAME_VERSION);
    if (head->type == 0 || head->type >= DFF_FRAME_TYPE_COUNT)
        return dff_err_set(err, DFF_E_SYS, "unknown frame type %u", (unsigned) head->type);
    if (head->size > DFF_FRAME_MAX_SIZE)
        return dff_err_set(err, DFF_E_SYS, "frame of %u bytes is over the limit of %u",
                           (unsigned) head->size, (unsigned) DFF_FRAME_MAX_SIZE);
    if (bytes.len - sizeof(*head) < head->size)
        return 0;

    payload->data = bytes.data + sizeof(*head);
    payload->len = head->size;
    return 1;
}

static int
dff_frame_get_bytes(dff_str_t *payload, void *value, size_t size)
{
    if (payload->len < size)
        return DFF_ERROR;
    memcpy(value, payload->data, size);
    payload->data += size;
    payload->len -= size;
    return DFF_OK;
}

int
dff_frame_get_u32(dff_str_t *payload, uint32_t *value)
{
    return dff_frame_get_bytes(payload, value, sizeof(*value));
}

int
dff_frame_get_u64(dff_str_t *payload, uint64_t *value)
{
    return dff_frame_get_bytes(payload, value, sizeof(*value));
}

int
dff_frame_get_str(dff_str_t *payload, dff_str_t *text)
{
    uint32_t  size;
    dff_str_t rest = *payload;

    if (dff_frame_get_u32(&rest, &size) != DFF_OK || rest.len < size)
        return DFF_ERROR;
    text->data = rest.data;
    text->len = size;
    payload->data = rest.data + size;
    payload->len = rest.len - size;
    return DFF_OK;
}
