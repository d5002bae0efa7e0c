/* Statistics of links: see the header. */
#include "store/dff_stat.h"

#include <stdlib.h>

#include "dff_json.h"
#include "dff_keys.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_STAT_DAY_S    INT64_C(86400)
#define DFF_STAT_DATE     10            /* bytes of "2021-10-14" */
#define DFF_STAT_STRINGS  (4 * DFF_STAT_RECENT)


int
dff_stat_ask(dff_rcmd_t *rcmd, dff_route_kind_t kind, dff_str_t id, dff_err_t *err)
{
    const char *name = dff_route_kind_name(kind);
    dff_key_t   count, recent;

    dff_key_stat_count(count, name, id);
    dff_key_stat_recent(recent, name, id);
    if (dff_rcmd_append(rcmd, err, "HGETALL %s", count) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_rcmd_append(rcmd, err, "LRANGE %s 0 %d", recent, DFF_STAT_RECENT - 1);
}


/* Calls of a date among fields and values; 0: none. */
static int64_t
dff_stat_of_date(const dff_str_t *pairs, size_t count, dff_str_t date)
{
    int64_t calls;

    for (size_t i = 0; i + 1 < count; i += 2) {
        if (dff_str_eq(pairs[i], date) && dff_json_int64(pairs[i + 1], &calls) == DFF_OK) {
            return calls;
        }
    }
    return 0;
}


json_t *
dff_stat_days(const dff_str_t *pairs, size_t count, const dff_tz_t *tz, int64_t now_ms)
{
    json_t *days = json_array();
    int64_t now_s = now_ms / 1000, today_s = now_s + dff_tz_offset(tz, now_s);

    for (int i = 0; i < DFF_STAT_DAYS; i++) {
        char      text[DFF_TIME_ISO_SIZE];
        dff_str_t date = { text, DFF_STAT_DATE };

        (void) dff_time_iso_utc(text, (today_s - i * DFF_STAT_DAY_S) * 1000);
        if (json_array_append_new(days, json_pack("{s:s%, s:I}", "date", date.data, date.len,
                                                  "count", (json_int_t) dff_stat_of_date(
                                                      pairs, count, date))) != 0)
        {
            json_decref(days);
            return NULL;
        }
    }
    return days;
}


static int
dff_stat_compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}


/* The smallest cost that percent of the sorted ones do not exceed. */
static json_t *
dff_stat_percentile(const int64_t *costs, size_t count, size_t percent)
{
    return json_integer((json_int_t) costs[(count * percent + 99) / 100 - 1]);
}


static json_t *
dff_stat_cost(int64_t *costs, size_t count)
{
    static const struct { const char *name; size_t percent; } percentiles[] = {
        { "mid", 50 }, { "p75", 75 }, { "p95", 95 }, { "p99", 99 },
    };
    int64_t sum = 0;
    json_t *cost;

    if (count < 2) {
        return json_pack("{s:I, s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "samples",
                         (json_int_t) count, "min", "max", "avg", "mid", "p75", "p95", "p99");
    }
    qsort(costs, count, sizeof(costs[0]), dff_stat_compare);
    for (size_t i = 0; i < count; i++) {
        sum += costs[i];
    }
    cost = json_pack("{s:I, s:I, s:I, s:I}", "samples", (json_int_t) count,
                     "min", (json_int_t) costs[0], "max", (json_int_t) costs[count - 1],
                     "avg", (json_int_t) ((sum + (int64_t) count / 2) / (int64_t) count));
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
        (void) json_object_set_new(cost, percentiles[i].name,
                                   dff_stat_percentile(costs, count, percentiles[i].percent));
    }
    return cost;
}


/* One more call of that outcome. */
static int
dff_stat_add_status(json_t *status, const char *outcome)
{
    json_int_t calls = json_integer_value(json_object_get(status, outcome));

    return json_object_set_new(status, outcome, json_integer(calls + 1));
}


int
dff_stat_recent(const dff_str_t *calls, size_t count, int64_t now_ms, json_t **status,
    json_t **cost)
{
    int64_t costs[DFF_STAT_RECENT];
    size_t  samples = 0;
    int     rc = DFF_OK;

    *status = json_pack("{s:i}", "total", 0);
    for (size_t i = 0; i < count && i < DFF_STAT_RECENT; i++) {
        json_t     *call = json_loadb(calls[i].data, calls[i].len, 0, NULL);
        json_int_t  ended_ms, took_ms;
        const char *outcome;

        if (json_unpack(call, "[I, I, s]", &ended_ms, &took_ms, &outcome) == 0
            && ended_ms > now_ms - DFF_STAT_DAYS * DFF_STAT_DAY_S * 1000 && took_ms >= 0)
        {
            costs[samples++] = took_ms;
            if (dff_stat_add_status(*status, "total") != 0
                || dff_stat_add_status(*status, outcome) != 0)
            {
                rc = DFF_ERROR;
            }
        }
        json_decref(call);
    }
    *cost = dff_stat_cost(costs, samples);
    if (rc != DFF_OK || *status == NULL || *cost == NULL) {
        json_decref(*status);
        json_decref(*cost);
        *status = *cost = NULL;
        return DFF_ERROR;
    }
    return DFF_OK;
}


/* The texts of an array reply, which keeps them. */
static size_t
dff_stat_strings(const redisReply *reply, dff_str_t *strings)
{
    size_t count = 0;

    for (size_t i = 0; i < reply->elements && count < DFF_STAT_STRINGS; i++) {
        strings[count++] = (dff_str_t) { reply->element[i]->str, reply->element[i]->len };
    }
    return count;
}


json_t *
dff_stat_take(dff_rcmd_t *rcmd, const dff_tz_t *tz, int64_t now_ms, dff_err_t *err)
{
    dff_str_t   strings[DFF_STAT_STRINGS];
    json_t     *days = NULL, *status = NULL, *cost = NULL;
    redisReply *reply = dff_rcmd_next(rcmd, err);

    if (reply == NULL) {
        return NULL;
    }
    days = dff_stat_days(strings, dff_stat_strings(reply, strings), tz, now_ms);
    freeReplyObject(reply);
    reply = dff_rcmd_next(rcmd, err);
    if (reply == NULL) {
        json_decref(days);
        return NULL;
    }
    if (dff_stat_recent(strings, dff_stat_strings(reply, strings), now_ms, &status, &cost)
        != DFF_OK || days == NULL)
    {
        dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    freeReplyObject(reply);
    /* takes the references; NULL when one is missing */
    return json_pack("{s:o, s:o, s:o}", "recentRunningCount", days, "recentRunningStatus", status,
                     "recentRunningCost", cost);
}
