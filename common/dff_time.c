/*
 * Clock readings and calendar arithmetic. The calendar is computed here, not by
 * gmtime_r: that takes a lock and may read the TZ variable of our host.
 */
#include "dff_time.h"

#include <time.h>

#include "dff_banned.h"

/* Years 1 to 9999: what four digits can tell. */
#define DFF_TIME_MIN_S  INT64_C(-62135596800)
#define DFF_TIME_MAX_S  INT64_C(253402300799)

static int64_t
dff_time_read_us(clockid_t clock)
{
    struct timespec ts = { 0, 0 };

    /* Cannot fail for these clocks with a valid pointer. */
    (void) clock_gettime(clock, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
dff_time_now_ms(void)
{
    return dff_time_read_us(CLOCK_REALTIME) / 1000;
}

int64_t
dff_time_monotonic_ms(void)
{
    return dff_time_read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
dff_time_monotonic_us(void)
{
    return dff_time_read_us(CLOCK_MONOTONIC);
}

/*
 * Days are counted from 0000-03-01, so that the leap day is the last one of a
 * year and of every 400-year era (146097 days).
 */
void
dff_time_split(int64_t unix_s, dff_time_civil_t *civil)
{
    int64_t days, rest, era, day_of_era, year_of_era, day_of_year, shifted_month;

    if (unix_s < DFF_TIME_MIN_S)
        unix_s = DFF_TIME_MIN_S;
    if (unix_s > DFF_TIME_MAX_S)
        unix_s = DFF_TIME_MAX_S;

    days = unix_s / 86400;
    rest = unix_s % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    civil->weekday = (int) (((days + 4) % 7 + 7) % 7);

    days += 719468;                       /* 0000-03-01 to 1970-01-01 */
    era = days / 146097;                  /* days >= 0 for year 1 and later */
    day_of_era = days % 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted_month = (5 * day_of_year + 2) / 153;      /* 0: March */

    civil->day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
    civil->month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    civil->year = (int) (year_of_era + era * 400 + (civil->month <= 2));
    civil->hour = (int) (rest / 3600);
    civil->minute = (int) (rest / 60 % 60);
    civil->second = (int) (rest % 60);
}

int64_t
dff_time_join(const dff_time_civil_t *civil)
{
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t shifted_month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * 146097 + day_of_era - 719468;

    return days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static char *
dff_time_put(char *out, int value, int digits, char after)
{
    int i;

    for (i = digits - 1; i >= 0; i--) {
        out[i] = (char) ('0' + value % 10);
        value /= 10;
    }
    out[digits] = after;
    return out + digits + 1;
}

size_t
dff_time_iso(char out[DFF_TIME_ISO_SIZE], int64_t unix_ms, int offset_s)
{
    dff_time_civil_t civil;
    int64_t          unix_s = unix_ms / 1000;
    int              ms = (int) (unix_ms % 1000);
    int              offset_min = (offset_s < 0 ? -offset_s : offset_s) / 60;
    char            *p = out;

    if (ms < 0) {
        ms += 1000;
        unix_s--;
    }
    dff_time_split(unix_s + offset_s, &civil);
    p = dff_time_put(p, civil.year, 4, '-');
    p = dff_time_put(p, civil.month, 2, '-');
    p = dff_time_put(p, civil.day, 2, 'T');
    p = dff_time_put(p, civil.hour, 2, ':');
    p = dff_time_put(p, civil.minute, 2, ':');
    p = dff_time_put(p, civil.second, 2, '.');
    p = dff_time_put(p, ms, 3, offset_s < 0 ? '-' : '+');
    p = dff_time_put(p, offset_min / 60 % 100, 2, ':');
    p = dff_time_put(p, offset_min % 60, 2, '\0');
    return (size_t) (p - out) - 1;
}

size_t
dff_time_iso_utc(char out[DFF_TIME_ISO_SIZE], int64_t unix_ms)
{
    /* "…+00:00" becomes "…Z". */
    size_t len = dff_time_iso(out, unix_ms, 0) - 5;

    out[len - 1] = 'Z';
    out[len] = '\0';
    return len;
}
