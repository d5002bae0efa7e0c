/*
 * Statistics of a link, as nginx gathers them (docs/protocol.md) and the management list
 * shows them: calls per day, outcomes and cost of the last calls.
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_STAT_H
#define DFF_STAT_H

#include <jansson.h>

#include "dff_route.h"
#include "dff_tz.h"
#include "store/dff_rcmd.h"

#define DFF_STAT_DAYS    7
#define DFF_STAT_RECENT  101

/* A pipeline for one link or many: ask for each, then take as many, in the same order. */
int dff_stat_ask(dff_rcmd_t *rcmd, dff_route_kind_t kind, dff_str_t id, dff_err_t *err);

/*
 * {"recentRunningCount":[{"date":"2021-10-14","count":3},…],
 *  "recentRunningStatus":{"total":5,"OK":4,"EFuncFailed":1},
 *  "recentRunningCost":{"samples":5,"min":…,"max":…,"avg":…,"mid":…,"p75":…,"p95":…,"p99":…}}
 * Days are those of tz, today first; the calls are the last ones within 7 days before
 * now_ms (Unix time); cost in ms, null but for samples with fewer than two. NULL: err
 * says why. The caller owns it.
 */
json_t *dff_stat_take(dff_rcmd_t *rcmd, const dff_tz_t *tz, int64_t now_ms, dff_err_t *err);

/* The two halves of it, from what Redis holds: hash fields and values in turn, and the
 * list's elements; unreadable ones are passed over. NULL: no memory. */
json_t *dff_stat_days(const dff_str_t *pairs, size_t count, const dff_tz_t *tz, int64_t now_ms);
int dff_stat_recent(const dff_str_t *calls, size_t count, int64_t now_ms, json_t **status,
    json_t **cost);

#endif
