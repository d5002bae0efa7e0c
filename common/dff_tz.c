/*
 * Time zones from TZif files. Runs at start and reload; dff_tz_offset for every
 * line of the log.
 */
#include "dff_tz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_TZ_FOLDER     "/usr/share/zoneinfo/"
#define DFF_TZ_FILE_MAX   65536
#define DFF_TZ_HEAD_SIZE  44
#define DFF_TZ_SHIFT_MAX  (26 * 3600)      /* no zone is further from UTC */

/* Zones without daylight saving, for systems without tzdata. */
static const struct {
    const char *name;
    int32_t     offset;
} dff_tz_fixed[] = {
    { "UTC", 0 }, { "Etc/UTC", 0 }, { "GMT", 0 },
    { "Asia/Shanghai", 8 * 3600 }, { "Asia/Hong_Kong", 8 * 3600 }, { "Asia/Taipei", 8 * 3600 },
    { "Asia/Singapore", 8 * 3600 }, { "Asia/Tokyo", 9 * 3600 }, { "Asia/Seoul", 9 * 3600 },
};

/* The head of a block of a TZif file: the six counts and the version. */
typedef struct {
    char   version;
    size_t is_ut, is_std, leap, times, types, chars;
} dff_tz_head_t;

static int64_t
dff_tz_number(const char *p, size_t size)
{
    uint64_t value = (unsigned char) p[0] & 0x80 ? UINT64_MAX : 0;
    size_t   i;

    for (i = 0; i < size; i++)
        value = value << 8 | (unsigned char) p[i];
    return (int64_t) value;
}

static bool
dff_tz_is_far(int64_t offset)
{
    return offset < -DFF_TZ_SHIFT_MAX || offset > DFF_TZ_SHIFT_MAX;
}

static bool
dff_tz_read_head(dff_str_t bytes, dff_tz_head_t *head)
{
    size_t *const counts[] = {
        &head->is_ut, &head->is_std, &head->leap, &head->times, &head->types, &head->chars
    };
    int64_t count;
    size_t  i;

    if (bytes.len < DFF_TZ_HEAD_SIZE || memcmp(bytes.data, "TZif", 4) != 0)
        return false;
    head->version = bytes.data[4];
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        count = dff_tz_number(bytes.data + 20 + 4 * i, 4);
        if (count < 0 || count > DFF_TZ_FILE_MAX)
            return false;
        *counts[i] = (size_t) count;
    }
    return head->types > 0;
}

/* Bytes of the block behind the head, when its times have size bytes each. */
static size_t
dff_tz_block_size(const dff_tz_head_t *head, size_t size)
{
    return head->times * (size + 1) + head->types * 6 + head->chars + head->leap * (size + 4)
        + head->is_std + head->is_ut;
}

static bool
dff_tz_read_block(dff_tz_t *tz, const dff_tz_head_t *head, const char *block, size_t size)
{
    const char *indexes = block + head->times * size;
    const char *types = indexes + head->times;
    size_t      i, type;
    int64_t     offset;

    tz->at = calloc(head->times + 1, sizeof(*tz->at));
    tz->offset = calloc(head->times + 1, sizeof(*tz->offset));
    if (tz->at == NULL || tz->offset == NULL)
        return false;
    for (i = 0; i < head->times; i++) {
        tz->at[i] = dff_tz_number(block + i * size, size);
        type = (unsigned char) indexes[i];
        if (type >= head->types || (i > 0 && tz->at[i] <= tz->at[i - 1]))
            return false;
        offset = dff_tz_number(types + type * 6, 4);
        if (dff_tz_is_far(offset))
            return false;
        tz->offset[i] = (int32_t) offset;
    }
    tz->count = head->times;
    offset = dff_tz_number(types, 4);
    if (dff_tz_is_far(offset))
        return false;
    tz->first = (int32_t) offset;
    tz->standard = tz->count > 0 ? tz->offset[tz->count - 1] : tz->first;
    return true;
}

/* The rule of a footer: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX, with RFC 8536's
 * signed hours). Each reader moves *p and tells whether it found its part. */

static bool
dff_tz_take_int(const char **p, int max, int *value)
{
    int n = 0;

    if (**p < '0' || **p > '9')
        return false;
    while (**p >= '0' && **p <= '9') {
        n = n * 10 + (*(*p)++ - '0');
        if (n > max)
            return false;
    }
    *value = n;
    return true;
}

static bool
dff_tz_take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool
dff_tz_take_name(const char **p)
{
    const char *start = *p;

    if (dff_tz_take_char(p, '<')) {
        while (**p != '\0' && **p != '>')
            (*p)++;
        return dff_tz_take_char(p, '>');
    }
    while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
        (*p)++;
    return *p - start >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds; hours up to 24 in an offset, to 167 in a date (RFC 8536). */
static bool
dff_tz_take_clock(const char **p, int hours_max, int *seconds)
{
    bool negative = **p == '-';
    int  hours, minutes = 0, rest = 0;

    if (negative || **p == '+')
        (*p)++;
    if (!dff_tz_take_int(p, hours_max, &hours))
        return false;
    if (dff_tz_take_char(p, ':') && !dff_tz_take_int(p, 59, &minutes))
        return false;
    if (dff_tz_take_char(p, ':') && !dff_tz_take_int(p, 59, &rest))
        return false;
    *seconds = (hours * 60 + minutes) * 60 + rest;
    if (negative)
        *seconds = -*seconds;
    return true;
}

/* ,Mm.w.d[/time]: the only form of dates that zones in use have. */
static bool
dff_tz_take_date(const char **p, dff_tz_date_t *date)
{
    date->second = 2 * 3600;
    return dff_tz_take_char(p, ',') && dff_tz_take_char(p, 'M')
        && dff_tz_take_int(p, 12, &date->month) && date->month >= 1
        && dff_tz_take_char(p, '.') && dff_tz_take_int(p, 5, &date->week) && date->week >= 1
        && dff_tz_take_char(p, '.') && dff_tz_take_int(p, 6, &date->weekday)
        && (!dff_tz_take_char(p, '/') || dff_tz_take_clock(p, 167, &date->second));
}

/* A footer that is not understood leaves the last transition's offset in force. */
static void
dff_tz_read_rule(dff_tz_t *tz, const char *p)
{
    dff_tz_t rule = { 0 };
    int      west;

    if (!dff_tz_take_name(&p) || !dff_tz_take_clock(&p, 24, &west))
        return;
    rule.standard = -west;
    rule.daylight = rule.standard + 3600;
    if (*p != '\0') {
        if (!dff_tz_take_name(&p))
            return;
        if (*p != ',') {
            if (!dff_tz_take_clock(&p, 24, &west))
                return;
            rule.daylight = -west;
        }
        if (!dff_tz_take_date(&p, &rule.begin) || !dff_tz_take_date(&p, &rule.end) || *p != '\0')
            return;
        rule.has_daylight = true;
    }
    if (dff_tz_is_far(rule.standard) || dff_tz_is_far(rule.daylight))
        return;
    tz->standard = rule.standard;
    tz->daylight = rule.daylight;
    tz->has_daylight = rule.has_daylight;
    tz->begin = rule.begin;
    tz->end = rule.end;
}

/* "\n<rule>\n" behind the second block */
static void
dff_tz_read_footer(dff_tz_t *tz, dff_str_t footer)
{
    char        rule[128];
    const char *end;
    size_t      len;

    if (footer.len < 2 || footer.data[0] != '\n')
        return;
    end = memchr(footer.data + 1, '\n', footer.len - 1);
    len = end == NULL ? sizeof(rule) : (size_t) (end - footer.data) - 1;
    if (len >= sizeof(rule))
        return;
    memcpy(rule, footer.data + 1, len);
    rule[len] = '\0';
    dff_tz_read_rule(tz, rule);
}

int
dff_tz_init_bytes(dff_tz_t *tz, dff_str_t bytes, dff_err_t *err)
{
    dff_tz_head_t head;
    size_t        size = 4, block;

    memset(tz, 0, sizeof(*tz));
    if (!dff_tz_read_head(bytes, &head))
        goto bad;
    block = dff_tz_block_size(&head, size);
    if (bytes.len - DFF_TZ_HEAD_SIZE < block)
        goto bad;

    if (head.version >= '2') {      /* the same again, with times of 8 bytes */
        block += DFF_TZ_HEAD_SIZE;
        bytes = (dff_str_t) { bytes.data + block, bytes.len - block };
        size = 8;
        if (!dff_tz_read_head(bytes, &head))
            goto bad;
        block = dff_tz_block_size(&head, size);
        if (bytes.len - DFF_TZ_HEAD_SIZE < block)
            goto bad;
    }
    if (!dff_tz_read_block(tz, &head, bytes.data + DFF_TZ_HEAD_SIZE, size))
        goto bad;
    if (size == 8) {
        block += DFF_TZ_HEAD_SIZE;
        dff_tz_read_footer(tz, (dff_str_t) { bytes.data + block, bytes.len - block });
    }
    return DFF_OK;

bad:
    dff_tz_release(tz);
    return dff_err_set(err, DFF_E_SYS, "not a time zone file");
}

static bool
dff_tz_is_name(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");

    return len > 0 && len <= DFF_TZ_NAME_MAX && name[len] == '\0' && name[0] != '/';
}

/* Reads up to size bytes; -1 with errno. */
static ssize_t
dff_tz_read_file(const char *path, char *out, size_t size)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC), failure;
    size_t  have = 0;
    ssize_t n;

    if (fd < 0)
        return -1;
    do {
        n = read(fd, out + have, size - have);
        if (n > 0)
            have += (size_t) n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    failure = errno;
    (void) close(fd);      /* only read from */
    errno = failure;
    return n < 0 ? -1 : (ssize_t) have;
}

int
dff_tz_init(dff_tz_t *tz, const char *name, dff_err_t *err)
{
    char    path[sizeof(DFF_TZ_FOLDER) + DFF_TZ_NAME_MAX];
    char   *bytes = NULL;
    ssize_t n;
    size_t  i;
    int     rc = DFF_ERROR;

    memset(tz, 0, sizeof(*tz));
    if (!dff_tz_is_name(name))
        return dff_err_set(err, DFF_E_SYS, "\"%.80s\" is not the name of a time zone", name);
    if (snprintf(path, sizeof(path), DFF_TZ_FOLDER "%s", name) >= (int) sizeof(path))
        return dff_err_set(err, DFF_E_SYS, "\"%.80s\" is not the name of a time zone", name);

    bytes = malloc(DFF_TZ_FILE_MAX);
    if (bytes == NULL)
        return dff_err_set(err, DFF_E_SYS, "no memory for %s", path);
    n = dff_tz_read_file(path, bytes, DFF_TZ_FILE_MAX);
    if (n >= 0) {
        rc = dff_tz_init_bytes(tz, (dff_str_t) { bytes, (size_t) n }, err);
        if (rc != DFF_OK)
            (void) dff_err_wrap(err, "%s", path);
        goto done;
    }
    (void) dff_err_set(err, DFF_E_SYS, "open %s: %s", path, strerror(errno));
    for (i = 0; i < sizeof(dff_tz_fixed) / sizeof(dff_tz_fixed[0]); i++) {
        if (strcmp(name, dff_tz_fixed[i].name) == 0) {
            tz->first = tz->standard = dff_tz_fixed[i].offset;
            rc = DFF_OK;
        }
    }

done:
    free(bytes);
    return rc;
}

void
dff_tz_release(dff_tz_t *tz)
{
    if (tz == NULL)
        return;
    free(tz->at);
    free(tz->offset);
    memset(tz, 0, sizeof(*tz));
}

/* The local second (as if it were UTC) at which date stands in a year. */
static int64_t
dff_tz_date_in(const dff_tz_date_t *date, int year)
{
    dff_time_civil_t civil = { .year = year, .month = date->month, .day = 1 }, found;
    int64_t          first = dff_time_join(&civil), day;
    int              days;

    dff_time_split(first, &found);
    days = (date->weekday - found.weekday + 7) % 7 + (date->week - 1) * 7;
    day = first + (int64_t) days * 86400;
    dff_time_split(day, &found);
    if (found.month != date->month)      /* week 5 is the last, which may be the 4th */
        day -= 7 * 86400;
    return day + date->second;
}

static int
dff_tz_rule_offset(const dff_tz_t *tz, int64_t unix_s)
{
    dff_time_civil_t civil;
    int64_t          begin, end;
    bool             daylight;

    if (!tz->has_daylight)
        return tz->standard;
    dff_time_split(unix_s + tz->standard, &civil);
    begin = dff_tz_date_in(&tz->begin, civil.year) - tz->standard;
    end = dff_tz_date_in(&tz->end, civil.year) - tz->daylight;
    /* In the south, daylight saving goes over the turn of the year. */
    daylight = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return daylight ? tz->daylight : tz->standard;
}

int
dff_tz_offset(const dff_tz_t *tz, int64_t unix_s)
{
    size_t low = 0, high = tz->count, middle;

    if (tz->count == 0 || unix_s >= tz->at[tz->count - 1])
        return dff_tz_rule_offset(tz, unix_s);
    while (low < high) {                 /* first transition after unix_s */
        middle = low + (high - low) / 2;
        if (tz->at[middle] <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? tz->first : tz->offset[low - 1];
}
