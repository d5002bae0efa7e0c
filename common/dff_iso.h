/*
 * Reading of ISO 8601 times as people and programs write them (the writing is in
 * dff_time.h). Runs in nginx, dffctl and api processes; no allocation.
 */
#ifndef DFF_ISO_H
#define DFF_ISO_H

#include <stdint.h>

#include "dff_str.h"
#include "dff_tz.h"

/*
 * "2021-10-14T09:02:03.456+08:00" in Unix ms. A blank may stand for the T; seconds,
 * fraction (digits behind ms are dropped) and zone may be left out; a zone is Z,
 * +08:00, +0800 or +08. Without one the time is local in tz (hours that daylight
 * saving repeats are the first, those that it skips the second reading). A day
 * alone is its midnight.
 * DFF_ERROR: it is no such text, or no such time (years 1970 to 9999).
 */
int dff_iso_read(dff_str_t text, const dff_tz_t *tz, int64_t *unix_ms);

#endif
