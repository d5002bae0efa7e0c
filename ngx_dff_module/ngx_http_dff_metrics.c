/* Every metric: see the header. */
#include "ngx_http_dff_metrics.h"
#include "ngx_http_dff_sample.h"

#include "dff_version.h"

typedef struct ngx_http_dff_metric_s  ngx_http_dff_metric_t;

struct ngx_http_dff_metric_s {
    const char  *name;
    const char  *type;
    const char  *help;
    void       (*samples)(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric);
    size_t       offset;     /* of a number in the scrape */
    const char  *key;        /* of a number in a heartbeat's "counters" */
};

static void ngx_http_dff_metrics_write(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);

static void ngx_http_dff_metrics_build(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_since(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_number(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_calls(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_duration(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_redis_up(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_reconnects(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_queues(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_delayed(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_accepted(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_finished(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_unfinished(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_node_info(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_groups(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_node_counter(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);
static void ngx_http_dff_metrics_jobs(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric);

static const char *ngx_http_dff_metrics_string(json_t *node, const char *key);
static uint64_t ngx_http_dff_metrics_count(json_t *object, const char *key);

static const char  *ngx_http_dff_metrics_outcomes[NGX_HTTP_DFF_CALL_OUTCOMES] = {
    [NGX_HTTP_DFF_CALL_OK] = "ok",
    [NGX_HTTP_DFF_CALL_CLIENT_ERROR] = "client_error",
    [NGX_HTTP_DFF_CALL_AUTH] = "auth",
    [NGX_HTTP_DFF_CALL_LINK_DISABLED] = "link_disabled",
    [NGX_HTTP_DFF_CALL_LINK_EXPIRED] = "link_expired",
    [NGX_HTTP_DFF_CALL_THROTTLED] = "throttled",
    [NGX_HTTP_DFF_CALL_CONGESTED] = "congested",
    [NGX_HTTP_DFF_CALL_FUNC_FAILED] = "func_failed",
    [NGX_HTTP_DFF_CALL_FUNC_TIMEOUT] = "func_timeout",
    [NGX_HTTP_DFF_CALL_API_TIMEOUT] = "api_timeout",
    [NGX_HTTP_DFF_CALL_CACHE_UNAVAILABLE] = "cache_unavailable",
    [NGX_HTTP_DFF_CALL_SYSTEM_ERROR] = "system_error",
    [NGX_HTTP_DFF_CALL_CLIENT_GONE] = "client_gone"
};

static const char  *ngx_http_dff_metrics_links[NGX_HTTP_DFF_LINKS] = {
    [NGX_HTTP_DFF_LINK_COMMANDS] = "commands",
    [NGX_HTTP_DFF_LINK_REPLIES] = "replies",
    [NGX_HTTP_DFF_LINK_CHANGES] = "changes"
};

#define NGX_HTTP_DFF_COUNTER(field)  offsetof(ngx_http_dff_scrape_t, counters.field)
#define NGX_HTTP_DFF_ROUTES(field)   offsetof(ngx_http_dff_scrape_t, routes.field)

/* Every metric. A row that has no samples now does not appear. */
static const ngx_http_dff_metric_t  ngx_http_dff_metrics[] = {

    { "dff_build_info", "gauge", "Versions of the module and of the nginx it runs in.",
      ngx_http_dff_metrics_build, 0, NULL },

    { "dff_start_time_seconds", "gauge",
      "When the counters of this nginx began, Unix time. A reload keeps them.",
      ngx_http_dff_metrics_since, 0, NULL },

    { "dff_nginx_workers", "gauge", "nginx workers that run, old ones that drain included.",
      ngx_http_dff_metrics_number, offsetof(ngx_http_dff_scrape_t, workers), NULL },

    { "dff_calls_total", "counter", "Calls through auth links and batches by outcome.",
      ngx_http_dff_metrics_calls, 0, NULL },

    { "dff_call_duration_seconds", "histogram",
      "Time from the head of a call's request to its answer, all outcomes but client_gone.",
      ngx_http_dff_metrics_duration, 0, NULL },

    { "dff_calls_pending", "gauge", "Calls whose result has not come yet.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_COUNTER(pending), NULL },

    { "dff_results_lost_total", "counter",
      "Results for func-result that were not stored because Redis was away.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_COUNTER(results_lost), NULL },

    { "dff_route_cache_hits_total", "counter", "Lookups of a link that needed no Redis.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_ROUTES(hits), NULL },

    { "dff_route_cache_misses_total", "counter", "Lookups of a link that asked Redis.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_ROUTES(misses), NULL },

    { "dff_route_cache_evictions_total", "counter",
      "Links that left the route cache to make room for others.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_ROUTES(evictions), NULL },

    { "dff_route_cache_entries", "gauge", "Links in the route cache, unknown ones included.",
      ngx_http_dff_metrics_number, NGX_HTTP_DFF_ROUTES(entries), NULL },

    { "dff_redis_up", "gauge", "1 if every nginx worker has this connection to Redis.",
      ngx_http_dff_metrics_redis_up, 0, NULL },

    { "dff_redis_reconnects_total", "counter",
      "Connections to Redis that came back, by connection.",
      ngx_http_dff_metrics_reconnects, 0, NULL },

    { "dff_queue_length", "gauge", "Jobs that wait in a queue of the cluster.",
      ngx_http_dff_metrics_queues, 0, NULL },

    { "dff_delayed_jobs", "gauge", "Jobs with an eta that wait for their time.",
      ngx_http_dff_metrics_delayed, 0, NULL },

    { "dff_ledger_accepted_total", "counter", "Jobs that the cluster has accepted.",
      ngx_http_dff_metrics_accepted, 0, NULL },

    { "dff_ledger_finished_total", "counter", "Jobs of the cluster that ended, by outcome.",
      ngx_http_dff_metrics_finished, 0, NULL },

    { "dff_ledger_jobs", "gauge", "Jobs of the cluster without an outcome yet, by state.",
      ngx_http_dff_metrics_unfinished, 0, NULL },

    { "dff_node_info", "gauge", "Executors of the cluster that are alive.",
      ngx_http_dff_metrics_node_info, 0, NULL },

    { "dff_workers", "gauge", "Python workers by node, group of queues and state.",
      ngx_http_dff_metrics_groups, 0, NULL },

    { "dff_workers_added_total", "counter",
      "Extra Python workers that were started because jobs waited.",
      ngx_http_dff_metrics_node_counter, 0, "workers_added" },

    { "dff_workers_retired_total", "counter", "Extra Python workers that went, being idle.",
      ngx_http_dff_metrics_node_counter, 0, "workers_retired" },

    { "dff_worker_restarts_total", "counter", "Python workers that died or were killed.",
      ngx_http_dff_metrics_node_counter, 0, "worker_restarts" },

    { "dff_jobs_claimed_total", "counter", "Jobs that an executor took from a queue.",
      ngx_http_dff_metrics_node_counter, 0, "claimed" },

    { "dff_jobs_given_back_total", "counter",
      "Claimed jobs that went back to their queue, because all workers of the node were busy.",
      ngx_http_dff_metrics_node_counter, 0, "given_back" },

    { "dff_jobs_started_total", "counter", "Jobs that were given to a Python worker.",
      ngx_http_dff_metrics_node_counter, 0, "started" },

    { "dff_jobs_total", "counter", "Jobs that ended, by node and outcome.",
      ngx_http_dff_metrics_jobs, 0, NULL },

    { "dff_refused_late_total", "counter",
      "Results that came after their job was given to another node, and were dropped.",
      ngx_http_dff_metrics_node_counter, 0, "refused_late" }
};


void
ngx_http_dff_metrics_text(ngx_http_dff_scrape_t *scrape)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(ngx_http_dff_metrics) / sizeof(ngx_http_dff_metrics[0]); i++) {
        ngx_http_dff_metrics_write(scrape, &ngx_http_dff_metrics[i]);
    }
}


/* HELP and TYPE are taken back where no sample follows. */
static void
ngx_http_dff_metrics_write(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    size_t  begin, head;

    begin = scrape->out.len;
    dff_buf_addf(&scrape->out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                 metric->name, metric->type);
    head = scrape->out.len;

    metric->samples(scrape, metric);

    if (scrape->out.len == head) {
        scrape->out.len = begin;
    }
}


static void
ngx_http_dff_metrics_build(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    const ngx_http_dff_label_t  labels[] = {
        { "version", DFF_VERSION },
        { "nginx", NGINX_VERSION }
    };

    ngx_http_dff_sample(&scrape->out, metric->name, labels, 2, 1);
}


static void
ngx_http_dff_metrics_since(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    dff_buf_addf(&scrape->out, "%s %lld.%03lld\n", metric->name,
                 (long long) (scrape->since_ms / 1000), (long long) (scrape->since_ms % 1000));
}


static void
ngx_http_dff_metrics_number(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    ngx_http_dff_sample(&scrape->out, metric->name, NULL, 0,
                        *(uint64_t *) ((u_char *) scrape + metric->offset));
}


static void
ngx_http_dff_metrics_calls(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    ngx_uint_t            i;
    ngx_http_dff_label_t  label = { "outcome", NULL };

    for (i = 0; i < NGX_HTTP_DFF_CALL_OUTCOMES; i++) {
        label.value = ngx_http_dff_metrics_outcomes[i];
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1, scrape->counters.calls[i]);
    }
}


static void
ngx_http_dff_metrics_duration(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    uint64_t              total;
    ngx_uint_t            i;
    ngx_http_dff_label_t  label = { "le", NULL };

    total = 0;

    for (i = 0; i <= NGX_HTTP_DFF_BUCKETS; i++) {
        label.value = i < NGX_HTTP_DFF_BUCKETS ? ngx_http_dff_counters_buckets[i].le : "+Inf";
        total += scrape->counters.duration[i];

        ngx_http_dff_sample_name(&scrape->out, metric->name, "_bucket", &label, 1);
        dff_buf_addf(&scrape->out, " %llu\n", (unsigned long long) total);
    }

    dff_buf_addf(&scrape->out, "%s_sum %llu.%03llu\n%s_count %llu\n", metric->name,
                 (unsigned long long) scrape->counters.duration_ms / 1000,
                 (unsigned long long) scrape->counters.duration_ms % 1000, metric->name,
                 (unsigned long long) total);
}


static void
ngx_http_dff_metrics_redis_up(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    ngx_uint_t            i;
    ngx_http_dff_label_t  label = { "link", NULL };

    for (i = 0; i < NGX_HTTP_DFF_LINKS; i++) {
        label.value = ngx_http_dff_metrics_links[i];
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1,
                            scrape->counters.links[i].up == scrape->workers);
    }
}


static void
ngx_http_dff_metrics_reconnects(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    ngx_uint_t            i;
    ngx_http_dff_label_t  label = { "link", NULL };

    for (i = 0; i < NGX_HTTP_DFF_LINKS; i++) {
        label.value = ngx_http_dff_metrics_links[i];
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1,
                            scrape->counters.links[i].reconnects);
    }
}


static void
ngx_http_dff_metrics_queues(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    char                  number[2] = "0";
    ngx_uint_t            i;
    ngx_http_dff_label_t  label = { "queue", number };

    for (i = 0; scrape->reply != NULL && i < NGX_HTTP_DFF_SCRAPE_QUEUES; i++) {
        number[0] = (char) ('0' + i);
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1,
                            (uint64_t) scrape->reply->element[i]->integer);
    }
}


static void
ngx_http_dff_metrics_delayed(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    redisReply  *length;

    if (scrape->reply != NULL) {
        length = scrape->reply->element[NGX_HTTP_DFF_SCRAPE_QUEUES];
        ngx_http_dff_sample(&scrape->out, metric->name, NULL, 0, (uint64_t) length->integer);
    }
}


static void
ngx_http_dff_metrics_accepted(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    if (scrape->reply != NULL) {
        ngx_http_dff_sample(&scrape->out, metric->name, NULL, 0,
            (uint64_t) scrape->reply->element[NGX_HTTP_DFF_SCRAPE_LEDGER]->integer);
    }
}


static void
ngx_http_dff_metrics_ledger(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric,
    const char *name, ngx_uint_t begin, ngx_uint_t end)
{
    redisReply            *number;
    ngx_uint_t             row;
    ngx_http_dff_label_t   label = { name, NULL };

    for (row = begin; scrape->reply != NULL && row < end; row++) {
        label.value = dff_ledger_name((dff_ledger_row_t) row);
        number = scrape->reply->element[NGX_HTTP_DFF_SCRAPE_LEDGER + row];
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1, (uint64_t) number->integer);
    }
}


static void
ngx_http_dff_metrics_finished(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    ngx_http_dff_metrics_ledger(scrape, metric, "outcome", DFF_LEDGER_SUCCESS,
                                DFF_LEDGER_WAITING);
}


static void
ngx_http_dff_metrics_unfinished(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    ngx_http_dff_metrics_ledger(scrape, metric, "state", DFF_LEDGER_WAITING, DFF_LEDGER_COUNT);
}


static void
ngx_http_dff_metrics_node_info(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    size_t                 i;
    json_t                *node;
    ngx_http_dff_label_t   labels[3] = {
        { "node", NULL }, { "host", NULL }, { "version", NULL }
    };

    json_array_foreach(scrape->nodes, i, node) {
        labels[0].value = ngx_http_dff_metrics_string(node, "node");
        labels[1].value = ngx_http_dff_metrics_string(node, "host");
        labels[2].value = ngx_http_dff_metrics_string(node, "version");
        ngx_http_dff_sample(&scrape->out, metric->name, labels, 3, 1);
    }
}


static void
ngx_http_dff_metrics_groups(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    size_t                i, g;
    json_t               *node, *group;
    uint64_t              live, busy;
    ngx_http_dff_label_t  labels[3] = { { "node", NULL }, { "group", NULL }, { "state", NULL } };

    json_array_foreach(scrape->nodes, i, node) {
        labels[0].value = ngx_http_dff_metrics_string(node, "node");

        json_array_foreach(json_object_get(node, "groups"), g, group) {
            live = ngx_http_dff_metrics_count(group, "workers");
            busy = ngx_min(ngx_http_dff_metrics_count(group, "busy"), live);

            labels[1].value = ngx_http_dff_metrics_string(group, "queues");
            labels[2].value = "busy";
            ngx_http_dff_sample(&scrape->out, metric->name, labels, 3, busy);
            labels[2].value = "idle";
            ngx_http_dff_sample(&scrape->out, metric->name, labels, 3, live - busy);
        }
    }
}


static void
ngx_http_dff_metrics_node_counter(ngx_http_dff_scrape_t *scrape,
    const ngx_http_dff_metric_t *metric)
{
    size_t                i;
    json_t               *node;
    ngx_http_dff_label_t  label = { "node", NULL };

    json_array_foreach(scrape->nodes, i, node) {
        label.value = ngx_http_dff_metrics_string(node, "node");
        ngx_http_dff_sample(&scrape->out, metric->name, &label, 1,
                            ngx_http_dff_metrics_count(json_object_get(node, "counters"),
                                                       metric->key));
    }
}


static void
ngx_http_dff_metrics_jobs(ngx_http_dff_scrape_t *scrape, const ngx_http_dff_metric_t *metric)
{
    size_t                i, n;
    json_t               *node;
    ngx_http_dff_label_t  labels[2] = { { "node", NULL }, { "outcome", NULL } };

    static const char  *outcomes[] = {
        "success", "failure", "timeout", "expired", "lost", "bad"
    };

    json_array_foreach(scrape->nodes, i, node) {
        labels[0].value = ngx_http_dff_metrics_string(node, "node");

        for (n = 0; n < sizeof(outcomes) / sizeof(outcomes[0]); n++) {
            labels[1].value = outcomes[n];
            ngx_http_dff_sample(&scrape->out, metric->name, labels, 2,
                ngx_http_dff_metrics_count(json_object_get(node, "counters"), outcomes[n]));
        }
    }
}


static const char *
ngx_http_dff_metrics_string(json_t *object, const char *key)
{
    const char  *text;

    text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}


static uint64_t
ngx_http_dff_metrics_count(json_t *object, const char *key)
{
    json_int_t  value;

    value = json_integer_value(json_object_get(object, key));

    return value < 0 ? 0 : (uint64_t) value;
}
