/*
 * Collects the log text of a call. Runs in a worker.
 */
#include "dff_call_log.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_CALL_LOG_KEEP  (64u << 10)   /* memory kept for the next call */

void
dff_call_log_clear(dff_call_log_t *log)
{
    dff_black_box_begin(log->box);
    if (log->text.size > DFF_CALL_LOG_KEEP)
        dff_buf_release(&log->text);
    else if (log->text.len > 0 || log->text.failed)
        dff_buf_clear(&log->text);
    log->boxed = 0;
    log->in_line = false;
    log->cut = false;
}

static void
dff_call_log_to_box(dff_call_log_t *log)
{
    if (log->text.len > log->boxed)
        dff_black_box_log(log->box, (dff_str_t) { log->text.data + log->boxed,
                                                  log->text.len - log->boxed });
    log->boxed = log->text.len;
}

static void
dff_call_log_stamp(dff_call_log_t *log)
{
    int64_t   now_ms = dff_time_now_ms();
    time_t    now_s = (time_t) (now_ms / 1000);
    struct tm tm;

    if (localtime_r(&now_s, &tm) == NULL)
        return;
    dff_buf_addf(&log->text, "[%04d-%02d-%02d %02d:%02d:%02d.%03d] ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int) (now_ms % 1000));
}

static void
dff_call_log_cut(dff_call_log_t *log)
{
    dff_call_log_finish(log);
    dff_call_log_stamp(log);
    dff_buf_addf(&log->text, "(log cut: over %u bytes)\n", DFF_CALL_LOG_MAX);
    log->cut = true;
}

/* As many bytes of text as fit in room, whole UTF-8 characters only. */
static dff_str_t
dff_call_log_fit(dff_str_t text, size_t room)
{
    if (text.len <= room)
        return text;
    while (room > 0 && ((unsigned char) text.data[room] & 0xc0) == 0x80)
        room--;
    text.len = room;
    return text;
}

void
dff_call_log_write(dff_call_log_t *log, dff_str_t text)
{
    while (text.len > 0 && !log->cut) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t      len = newline == NULL ? text.len : (size_t) (newline - text.data) + 1;
        size_t      room = log->text.len < DFF_CALL_LOG_MAX ? DFF_CALL_LOG_MAX - log->text.len : 0;
        dff_str_t   part = dff_call_log_fit((dff_str_t) { text.data, len }, room);

        if (!log->in_line && room > 0)
            dff_call_log_stamp(log);
        dff_buf_add_str(&log->text, part);
        log->in_line = part.len < len || newline == NULL;
        if (part.len < len)
            dff_call_log_cut(log);
        text.data += len;
        text.len -= len;
    }
    dff_call_log_to_box(log);
}

void
dff_call_log_line(dff_call_log_t *log, dff_str_t text)
{
    dff_call_log_finish(log);
    dff_call_log_write(log, text);
    if (text.len == 0 && !log->cut)
        dff_call_log_write(log, DFF_STR("\n"));
    dff_call_log_finish(log);
}

void
dff_call_log_block(dff_call_log_t *log, dff_str_t text)
{
    dff_str_t part = dff_call_log_fit(text, DFF_CALL_BLOCK_MAX);

    dff_call_log_finish(log);
    dff_call_log_stamp(log);
    dff_buf_add_str(&log->text, part);
    if (part.len < text.len)
        dff_buf_addf(&log->text, "\n(cut: %zu bytes more)\n", text.len - part.len);
    log->in_line = part.len == 0 || log->text.len == 0
                   || log->text.data[log->text.len - 1] != '\n';
    dff_call_log_finish(log);
}

void
dff_call_log_finish(dff_call_log_t *log)
{
    if (log->in_line)
        dff_buf_add(&log->text, "\n", 1);
    log->in_line = false;
    dff_call_log_to_box(log);
}
