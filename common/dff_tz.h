/*
 * The offset of a named time zone at a given time, from the zone's TZif file
 * (RFC 8536) below /usr/share/zoneinfo.
 *
 * It exists because localtime() has the process's one TZ variable: inside nginx
 * that belongs to our host. Where tzdata is not installed, a few zones without
 * daylight saving are known. Reads the file once, in dff_tz_init.
 */
#ifndef DFF_TZ_H
#define DFF_TZ_H

#include <stddef.h>
#include <stdint.h>

#include "dff_err.h"

#define DFF_TZ_NAME_MAX  64

typedef struct {            /* when a year's offset changes: "M3.5.0/2" */
    int month, week, weekday;
    int second;             /* of that day, local time before the change */
} dff_tz_date_t;

typedef struct {
    int64_t      *at;       /* transitions, ascending; from at[i] on, offset[i] holds */
    int32_t      *offset;
    size_t        count;
    int32_t       first;    /* before at[0] */
    /* behind the last transition */
    int32_t       standard, daylight;
    int           has_daylight;
    dff_tz_date_t begin, end;            /* of daylight saving */
} dff_tz_t;

/* DFF_ERROR: no such zone, or its file is bad; *tz is UTC then. */
int dff_tz_init(dff_tz_t *tz, const char *name, dff_err_t *err);
/* The same from the bytes of a file. */
int dff_tz_init_bytes(dff_tz_t *tz, dff_str_t bytes, dff_err_t *err);
void dff_tz_release(dff_tz_t *tz);

/* Seconds east of UTC at a Unix time. */
int dff_tz_offset(const dff_tz_t *tz, int64_t unix_s);

#endif
