/* Answers on their way to Redis. Runs in the master. */
#include "dff_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_buf.h"
#include "dff_json.h"
#include "dff_time.h"

#include "master/dff_life.h"
#include "master/dff_recent.h"
#include "master/dff_task_record.h"
#include "master/dff_turn.h"

#include "dff_banned.h"

/* Clocks of nodes differ: that long after waitUntil a reply is still pushed. */
#define DFF_ANSWER_SKEW_MS  5000

TAILQ_HEAD(dff_answers_s, dff_answer_s);

struct dff_outbox_s {
    dff_master_t         *master;
    struct dff_answers_s  answers;       /* not acknowledged, oldest first */
    size_t                count, bytes;
};

static void dff_answer_send(dff_answer_t *answer);
static void dff_answer_send_script(dff_answer_t *answer, dff_lua_form_t form);

dff_outbox_t *
dff_outbox_new(dff_master_t *master)
{
    dff_outbox_t *outbox = calloc(1, sizeof(*outbox));

    if (outbox == NULL)
        return NULL;
    outbox->master = master;
    TAILQ_INIT(&outbox->answers);
    return outbox;
}

void
dff_outbox_free(dff_outbox_t *outbox)
{
    dff_answer_t *answer;

    if (outbox == NULL)
        return;
    while ((answer = TAILQ_FIRST(&outbox->answers)) != NULL) {
        TAILQ_REMOVE(&outbox->answers, answer, line);
        free(answer);
    }
    free(outbox);
}

static size_t
dff_answer_size(const dff_answer_t *answer)
{
    return sizeof(*answer) + answer->reply.len + answer->envelope.len + answer->record.len;
}

static void
dff_outbox_remove(dff_outbox_t *outbox, dff_answer_t *answer)
{
    TAILQ_REMOVE(&outbox->answers, answer, line);
    outbox->bytes -= dff_answer_size(answer);
    outbox->count--;
}

static void
dff_master_count(dff_master_t *master, dff_status_t status)
{
    dff_counters_t *counters = &master->counters;

    switch (status) {
    case DFF_STATUS_SUCCESS: counters->success++; break;
    case DFF_STATUS_FAILURE: counters->failure++; break;
    case DFF_STATUS_TIMEOUT: counters->timeout++; break;
    case DFF_STATUS_EXPIRED: counters->expired++; break;
    case DFF_STATUS_LOST:    counters->lost++; break;
    default: break;
    }
}

/* --- sending one ---------------------------------------------------------- */

void
dff_answer_finished(dff_answer_t *answer)
{
    dff_master_t *master = answer->master;

    dff_outbox_remove(master->outbox, answer);
    if (!answer->unheard && !answer->again)
        dff_master_count(master, answer->status);
    answer->at_ms = dff_time_monotonic_ms();
    dff_recent_add(answer->forgotten ? master->former
                   : answer->push ? master->recent : master->quiet, answer);
}

void
dff_answer_unheard(dff_answer_t *answer)
{
    if (!answer->again)
        dff_master_count(answer->master, answer->status);
    answer->in_flight = false;
    answer->unheard = true;
    dff_answer_send(answer);
}

/* Told without a count: its job may turn up in a queue. */
static void
dff_answer_forgotten(dff_answer_t *answer)
{
    /* When it was sent before, the former life may have done all of it. */
    if (!answer->resent)
        dff_log_warn(&answer->master->log, answer->id.data, "Redis does not know that the job "
                     "was started (a failover?): its result (%s) is told all the same",
                     dff_status_name(answer->status));
    answer->forgotten = true;
    dff_answer_send(answer);
}

static void
dff_answer_refused(dff_answer_t *answer)
{
    dff_master_t *master = answer->master;

    dff_outbox_remove(master->outbox, answer);
    if (answer->node.len == 0) {
        master->counters.refused_late++;
        dff_log_warn(&master->log, answer->id.data, "the result (%s) came too late: the job had "
                     "been given to another node", dff_status_name(answer->status));
    }
    free(answer);
}

void
dff_answer_on_reply(dff_answer_t *answer, const redisReply *reply)
{
    answer->in_flight = false;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        answer->resent = answer->careful = true;     /* the outcome is unknown */
        if (reply == NULL || answer->told)
            return;
        answer->told = true;
        dff_log_warn(&answer->master->log, answer->id.data, "the answer was refused by Redis: %s; "
                     "it is sent again every second", reply->type == REDIS_REPLY_ERROR ? reply->str
                     : "odd reply");
        return;
    }
    if (reply->integer == 0 && !answer->forgotten
        && dff_life_forgot(answer->master, answer->life))
        dff_answer_forgotten(answer);
    else if (reply->integer == 1 || (reply->integer == 0 && answer->resent))
        dff_answer_finished(answer);
    else
        dff_answer_refused(answer);
}

static void
dff_answer_on_script(redisAsyncContext *ac, void *reply, void *data)
{
    dff_answer_t *answer = data;

    (void) ac;
    if (dff_lua_unknown_script(reply)) {
        answer->in_flight = false;
        dff_answer_send_script(answer, DFF_LUA_TEXT);
        return;
    }
    dff_answer_on_reply(answer, reply);
}

static void
dff_answer_send(dff_answer_t *answer)
{
    bool asks = answer->kind == DFF_ANSWER_DROP || answer->node.len > 0 || answer->careful;

    if (asks && !answer->unheard && !answer->forgotten)
        dff_answer_send_script(answer, DFF_LUA_BY_SHA);
    else
        answer->in_flight = dff_turn_finish(answer->master->turn, answer) == DFF_OK;
}

static void
dff_answer_send_script(dff_answer_t *answer, dff_lua_form_t form)
{
    dff_master_t  *master = answer->master;
    bool           drop = answer->kind == DFF_ANSWER_DROP;
    dff_lua_call_t call;
    dff_key_t      started, reply, result, node;
    char           ttl[16], cache_ms[24];
    int            ttl_len, cache_ms_len;

    dff_lua_begin(&call);
    if (drop)
        dff_lua_key(&call, master->key_claimed, master->key_claimed_len);
    else if (answer->node.len > 0)
        dff_lua_key(&call, started, dff_key_started(started, answer->node));
    else
        dff_lua_key(&call, master->key_started, master->key_started_len);
    dff_lua_key(&call, reply, dff_key_reply(reply, answer->producer));
    dff_lua_key(&call, result, dff_key_result(result, answer->id));
    if (answer->node.len > 0)
        dff_lua_key(&call, node, dff_key_node(node, answer->node));

    ttl_len = snprintf(ttl, sizeof(ttl), "%d", answer->ttl_s);
    if (drop)
        dff_lua_arg(&call, answer->envelope.data, answer->envelope.len);
    else
        dff_lua_arg(&call, answer->id.data, answer->id.len);
    dff_lua_arg(&call, answer->reply.data, answer->reply.len);
    dff_lua_arg(&call, answer->push ? "1" : "0", 1);
    dff_lua_arg(&call, ttl, (size_t) ttl_len);
    cache_ms_len = snprintf(cache_ms, sizeof(cache_ms), "%lld", (long long) answer->cache_ms);
    if (answer->cache_key.len > 0 || (answer->record.len > 0 && !drop)) {
        dff_lua_arg(&call, answer->cache_key.data, answer->cache_key.len);
        dff_lua_arg(&call, cache_ms, (size_t) cache_ms_len);
    }
    if (answer->record.len > 0)
        dff_lua_arg(&call, answer->record.data, answer->record.len);

    answer->in_flight = dff_lua_run(&master->lua, drop ? DFF_LUA_DROP : DFF_LUA_FINISH, form,
                                    &call, master->command, dff_answer_on_script, answer)
                        == DFF_OK;
}

/* --- the outbox ----------------------------------------------------------- */

/* A job whose answer is given up stays in started:<node>: the sweep finds it there
 * and ends it as lost, so its caller is told something all the same. */
static void
dff_outbox_bound(dff_outbox_t *outbox)
{
    dff_answer_t *answer, *next;
    int64_t       oldest_ms = dff_time_monotonic_ms() - DFF_OUTBOX_MAX_MS;

    for (answer = TAILQ_FIRST(&outbox->answers); answer != NULL; answer = next) {
        next = TAILQ_NEXT(answer, line);
        if (outbox->bytes <= DFF_OUTBOX_MAX_BYTES && answer->at_ms > oldest_ms)
            return;
        if (answer->in_flight)
            continue;
        dff_log_error(&outbox->master->log, answer->id.data, "the result (%s, %zu bytes) is given "
                      "up: Redis is away for too long", dff_status_name(answer->status),
                      answer->reply.len);
        dff_outbox_remove(outbox, answer);
        free(answer);
    }
}

static char *
dff_answer_put(dff_str_t *field, char *at, dff_str_t text)
{
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    at[text.len] = '\0';                 /* ids are log keys, too */
    *field = (dff_str_t) { at, text.len };
    return at + text.len + 1;
}

/* How long a reply may be cached, when its body is in a file: as long as that surely lives.
 * 0: not at all, the file goes with the first answer. */
static int64_t
dff_answer_cache_ms(const dff_answer_conf_t *conf)
{
    int64_t           cache_ms = conf->job->cache_ms;
    dff_reply_t       reply;
    dff_json_object_t it;
    dff_json_member_t member;

    if (dff_reply_decode(conf->reply, &reply, NULL) != DFF_OK
        || dff_json_object_open(&it, reply.control) != DFF_OK)
        return cache_ms;                 /* no control: the body is in the reply */

    while (dff_json_object_next(&it, &member, NULL) == 1) {
        if (dff_str_eq(member.key, DFF_STR("autoDelete")) && member.type == DFF_JSON_TRUE)
            return 0;
        if (dff_str_eq(member.key, DFF_STR("file")) && cache_ms > DFF_CACHE_FILE_MAX_MS)
            cache_ms = DFF_CACHE_FILE_MAX_MS;
    }
    return cache_ms;
}

/* Where and how long a reply is cached; empty: it is not. */
static dff_str_t
dff_answer_cache_key(const dff_answer_conf_t *conf, dff_key_t key, int64_t *cache_ms)
{
    const dff_job_t *job = conf->job;

    *cache_ms = 0;
    if (conf->kind != DFF_ANSWER_FINISH || conf->status != DFF_STATUS_SUCCESS || job->cache_ms == 0
        || job->cache_as.len == 0 || conf->reply.len > DFF_CACHE_MAX_BYTES)
        return DFF_STR("");
    *cache_ms = dff_answer_cache_ms(conf);
    if (*cache_ms == 0)
        return DFF_STR("");
    return (dff_str_t) { key, dff_key_cache_result(key, job->func_id, job->script_version,
                                                   job->cache_as) };
}

void
dff_outbox_add(dff_outbox_t *outbox, const dff_answer_conf_t *conf)
{
    const dff_job_t *job = conf->job;
    dff_master_t    *master = outbox->master;
    int64_t          now_ms = dff_time_now_ms();
    dff_answer_t    *answer;
    dff_key_t        key;
    int64_t          cache_ms;
    dff_str_t        cache_key = dff_answer_cache_key(conf, key, &cache_ms);
    dff_str_t        record = dff_task_record_of_answer(master, conf);
    char            *at;

    answer = malloc(sizeof(*answer) + job->id.len + job->producer.len + conf->node.len
                    + cache_key.len + conf->reply.len + conf->envelope.len + record.len + 7);
    if (answer == NULL) {
        free((char *) (uintptr_t) record.data);
        dff_log_error(&master->log, NULL, "no memory for the answer of %.*s",
                      (int) job->id.len, job->id.data);
        return;
    }

    answer->master = master;
    answer->kind = conf->kind;
    answer->status = conf->status;
    answer->in_flight = answer->resent = answer->told = answer->unheard = false;
    answer->forgotten = false;
    answer->careful = conf->careful;
    answer->again = conf->again;
    answer->life = conf->kind == DFF_ANSWER_FINISH ? conf->life : 0;
    answer->push = job->producer.len > 0
                   && (job->wait_until_ms == 0
                       || now_ms - DFF_ANSWER_SKEW_MS < job->wait_until_ms);
    answer->ttl_s = 0;
    if (job->keep_result || job->producer.len == 0 || job->wait_until_ms <= now_ms)
        answer->ttl_s = (int) master->cfg->worker_result_expires_s;
    answer->at_ms = dff_time_monotonic_ms();
    answer->cache_ms = cache_ms;

    at = dff_answer_put(&answer->id, answer->data, job->id);
    at = dff_answer_put(&answer->producer, at, job->producer);
    at = dff_answer_put(&answer->node, at, conf->node);
    at = dff_answer_put(&answer->cache_key, at, cache_key);
    at = dff_answer_put(&answer->reply, at, conf->reply);
    at = dff_answer_put(&answer->envelope, at, conf->envelope);
    (void) dff_answer_put(&answer->record, at, record);
    free((char *) (uintptr_t) record.data);

    TAILQ_INSERT_TAIL(&outbox->answers, answer, line);
    outbox->count++;
    outbox->bytes += dff_answer_size(answer);
    dff_answer_send(answer);
    if (!answer->in_flight)
        dff_outbox_bound(outbox);
}

void
dff_outbox_add_failure(dff_outbox_t *outbox, const dff_answer_conf_t *conf, int64_t started_at_ms,
    const char *etype, const char *einfo)
{
    dff_answer_conf_t full = *conf;
    dff_buf_t         body = DFF_BUF_INIT, out = DFF_BUF_INIT;
    dff_reply_t       reply;
    char             *end;

    dff_buf_add_str(&body, DFF_STR("{\"etype\":\""));
    dff_buf_add_json_escaped(&body, dff_str_from(etype));
    dff_buf_add_str(&body, DFF_STR("\",\"einfoTEXT\":\""));
    dff_buf_add_json_escaped(&body, dff_str_from(einfo));
    dff_buf_add_str(&body, DFF_STR("\"}"));

    reply = (dff_reply_t) {
        .id = conf->job->id,
        .status = conf->status,
        .body_type = DFF_BODY_JSON,
        .started_at_ms = started_at_ms,
        .ended_at_ms = dff_time_now_ms(),
        .control = DFF_STR(""),
        .body = { body.data, body.len },
    };
    if (dff_buf_failed(&body) || (end = dff_buf_reserve(&out, dff_reply_size(&reply))) == NULL) {
        dff_log_error(&outbox->master->log, NULL, "no memory for the answer of %.*s",
                      (int) conf->job->id.len, conf->job->id.data);
        goto done;
    }
    end = dff_reply_write(out.data, &reply);
    full.reply = (dff_str_t) { out.data, (size_t) (end - out.data) };
    dff_outbox_add(outbox, &full);

done:
    dff_buf_release(&body);
    dff_buf_release(&out);
}

void
dff_outbox_send_again(dff_outbox_t *outbox)
{
    dff_answer_t *answer;

    if (TAILQ_EMPTY(&outbox->answers))
        return;
    dff_outbox_bound(outbox);
    if (!dff_redis_link_ready(outbox->master->command))
        return;
    TAILQ_FOREACH(answer, &outbox->answers, line) {
        if (!answer->in_flight)
            dff_answer_send(answer);
    }
}

void
dff_outbox_all_careful(dff_outbox_t *outbox)
{
    dff_answer_t *answer;

    TAILQ_FOREACH(answer, &outbox->answers, line)
        answer->careful = true;
}

bool
dff_outbox_empty(const dff_outbox_t *outbox)
{
    return TAILQ_EMPTY(&outbox->answers);
}

bool
dff_outbox_has(const dff_outbox_t *outbox, dff_str_t task_id)
{
    const dff_answer_t *answer;

    TAILQ_FOREACH(answer, &outbox->answers, line) {
        if (dff_str_eq(answer->id, task_id))
            return true;
    }
    return false;
}

size_t
dff_outbox_count(const dff_outbox_t *outbox)
{
    return outbox->count;
}
