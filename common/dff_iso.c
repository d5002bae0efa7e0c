/* ISO 8601 to Unix time: see the header. */
#include "dff_iso.h"

#include <stdbool.h>

#include "dff_err.h"
#include "dff_time.h"

#include "dff_banned.h"

typedef struct {
    const char *at, *end;
} dff_iso_t;


static bool
dff_iso_skip(dff_iso_t *iso, char c)
{
    if (iso->at == iso->end || *iso->at != c)
        return false;
    iso->at++;
    return true;
}

static bool
dff_iso_number(dff_iso_t *iso, int digits, int min, int max, int *value)
{
    *value = 0;
    for ( ; digits > 0; digits--) {
        if (iso->at == iso->end || *iso->at < '0' || *iso->at > '9')
            return false;
        *value = *value * 10 + (*iso->at++ - '0');
    }
    return *value >= min && *value <= max;
}

static bool
dff_iso_day(dff_iso_t *iso, dff_time_civil_t *civil)
{
    dff_time_civil_t same;

    if (!dff_iso_number(iso, 4, 1970, 9999, &civil->year) || !dff_iso_skip(iso, '-')
        || !dff_iso_number(iso, 2, 1, 12, &civil->month) || !dff_iso_skip(iso, '-')
        || !dff_iso_number(iso, 2, 1, 31, &civil->day))
        return false;
    /* No 30 February: it would come back as another day. */
    dff_time_split(dff_time_join(civil), &same);
    return same.day == civil->day;
}

/* ".5", ".123456": any number of digits, the first three count. */
static bool
dff_iso_fraction(dff_iso_t *iso, int *ms)
{
    int weight = 100;

    if (!dff_iso_skip(iso, '.') && !dff_iso_skip(iso, ','))
        return true;
    if (iso->at == iso->end || *iso->at < '0' || *iso->at > '9')
        return false;
    for ( ; iso->at < iso->end && *iso->at >= '0' && *iso->at <= '9'; iso->at++) {
        *ms += (*iso->at - '0') * weight;
        weight /= 10;
    }
    return true;
}

static bool
dff_iso_clock(dff_iso_t *iso, dff_time_civil_t *civil, int *ms)
{
    if (!dff_iso_number(iso, 2, 0, 23, &civil->hour) || !dff_iso_skip(iso, ':')
        || !dff_iso_number(iso, 2, 0, 59, &civil->minute))
        return false;
    if (!dff_iso_skip(iso, ':'))
        return true;
    return dff_iso_number(iso, 2, 0, 59, &civil->second) && dff_iso_fraction(iso, ms);
}

/* *known false: there is no zone. */
static bool
dff_iso_zone(dff_iso_t *iso, bool *known, int *offset_s)
{
    int sign, hours, minutes = 0;

    *known = true;
    *offset_s = 0;
    if (iso->at == iso->end) {
        *known = false;
        return true;
    }
    if (dff_iso_skip(iso, 'Z') || dff_iso_skip(iso, 'z'))
        return true;
    if (*iso->at != '+' && *iso->at != '-')
        return false;
    sign = *iso->at++ == '-' ? -1 : 1;
    if (!dff_iso_number(iso, 2, 0, 23, &hours))
        return false;
    if (iso->at < iso->end) {
        (void) dff_iso_skip(iso, ':');
        if (!dff_iso_number(iso, 2, 0, 59, &minutes))
            return false;
    }
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* Local time to UTC: the offset that holds at the time that it gives. */
static int64_t
dff_iso_from_local(const dff_tz_t *tz, int64_t local_s)
{
    int64_t first = local_s - dff_tz_offset(tz, local_s - 86400);
    int64_t second = local_s - dff_tz_offset(tz, local_s + 86400);

    if (first + dff_tz_offset(tz, first) == local_s)
        return first;
    return second;
}

int
dff_iso_read(dff_str_t text, const dff_tz_t *tz, int64_t *unix_ms)
{
    dff_iso_t        iso = { text.data, dff_str_end(text) };
    dff_time_civil_t civil = { 0 };
    int64_t          unix_s;
    int              ms = 0, offset_s;
    bool             known = false;

    if (!dff_iso_day(&iso, &civil))
        return DFF_ERROR;
    if (iso.at < iso.end) {
        if (!dff_iso_skip(&iso, 'T') && !dff_iso_skip(&iso, 't') && !dff_iso_skip(&iso, ' '))
            return DFF_ERROR;
        if (!dff_iso_clock(&iso, &civil, &ms) || !dff_iso_zone(&iso, &known, &offset_s)
            || iso.at != iso.end)
            return DFF_ERROR;
    }
    unix_s = dff_time_join(&civil);
    unix_s = known ? unix_s - offset_s : dff_iso_from_local(tz, unix_s);
    *unix_ms = unix_s * 1000 + ms;
    return DFF_OK;
}
