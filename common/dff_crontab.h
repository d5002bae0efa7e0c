/*
 * A crontab line: which minutes it names. Five fields, minute hour day month weekday, each a
 * list of `*`, `n` or `n-m` with an optional step `/s` (`n/s`: from n on); weekday 0 and 7
 * are Sunday. As in every cron, a day is due that is named by either of day and weekday when
 * neither field begins with `*`, else one that both name. Runs in every process; no I/O.
 */
#ifndef DFF_CRONTAB_H
#define DFF_CRONTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_str.h"
#include "dff_time.h"
#include "dff_tz.h"

typedef struct {            /* bit n: the field names n */
    uint64_t minutes, hours, days, months, weekdays;
    bool     any_day, any_weekday;      /* the field begins with a star */
} dff_crontab_t;

/* false: it is none. */
bool dff_crontab_parse(dff_crontab_t *crontab, dff_str_t text);

/* Seconds are ignored. */
bool dff_crontab_is_due(const dff_crontab_t *crontab, const dff_time_civil_t *time);

/* The newest minute (Unix time / 60) that is due in the zone, of `minute` and those up to
 * `back` before it; -1: none. What a change of the clocks leaves out is not due, and what it
 * repeats is due twice. */
int64_t dff_crontab_last(const dff_crontab_t *crontab, const dff_tz_t *tz, int64_t minute,
    int back);

#endif
