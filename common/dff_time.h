/* Clock readings and their texts. Runs in every process. */
#ifndef DFF_TIME_H
#define DFF_TIME_H

#include <stddef.h>
#include <stdint.h>

#define DFF_TIME_ISO_SIZE  32

int64_t dff_time_now_ms(void);         /* Unix time */
int64_t dff_time_monotonic_ms(void);   /* for durations; unaffected by clock jumps */
int64_t dff_time_monotonic_us(void);

/* "2021-10-14T01:02:03.456Z", NUL-terminated. Returns the length (24). */
size_t dff_time_iso_utc(char out[DFF_TIME_ISO_SIZE], int64_t unix_ms);
/* "2021-10-14T09:02:03.456+08:00" for a zone that is offset_s east of UTC. */
size_t dff_time_iso(char out[DFF_TIME_ISO_SIZE], int64_t unix_ms, int offset_s);

typedef struct {
    int year, month, day;         /* month and day from 1 */
    int hour, minute, second;
    int weekday;                  /* 0: Sunday; join ignores it */
} dff_time_civil_t;

/* Unix seconds <-> calendar (proleptic Gregorian, UTC, years 1 to 9999). */
void dff_time_split(int64_t unix_s, dff_time_civil_t *civil);
int64_t dff_time_join(const dff_time_civil_t *civil);

#endif
