/* The guard of a Redis link: see the header. */
#include "ngx_http_dff_redis_guard.h"

#define NGX_HTTP_DFF_REDIS_ELEMENTS_MAX  65536   /* of an array: more than any script gives */

#if HIREDIS_MAJOR >= 1
typedef size_t  ngx_http_dff_redis_count_t;
#else
typedef int     ngx_http_dff_redis_count_t;
#endif

static void *ngx_http_dff_redis_guard_string(const redisReadTask *task, char *str, size_t len);
static void *ngx_http_dff_redis_guard_array(const redisReadTask *task,
    ngx_http_dff_redis_count_t elements);
static void *ngx_http_dff_redis_guard_integer(const redisReadTask *task, long long value);
static void *ngx_http_dff_redis_guard_nil(const redisReadTask *task);
static ngx_uint_t ngx_http_dff_redis_guard_admits(const redisReadTask *task,
    ngx_uint_t elements, const char *str, size_t len);
static ngx_uint_t ngx_http_dff_redis_guard_member(const redisReadTask *task, const char *str,
    size_t len);
static void ngx_http_dff_redis_guard_error(ngx_http_dff_redis_t *link, const char *str,
    size_t len);

/* First words of the errors that are about the server, whatever the command was. */
static ngx_str_t  ngx_http_dff_redis_unfit[] = {
    ngx_string("LOADING"),       /* reads its file after a start */
    ngx_string("READONLY"),      /* has become a replica */
    ngx_string("MASTERDOWN"),
    ngx_string("NOREPLICAS"),
    ngx_string("OOM"),           /* maxmemory is reached */
    ngx_string("MISCONF"),       /* cannot write its file */
    ngx_string("NOAUTH"),        /* a password was set */
    ngx_string("BUSY"),          /* a script does not end */
    ngx_string("UNBLOCKED"),     /* is becoming a replica */
    ngx_string("CLUSTERDOWN")
};


void
ngx_http_dff_redis_guard(ngx_http_dff_redis_t *link)
{
    redisReader  *reader = link->context->c.reader;

    link->objects = reader->fn;

    link->guard = *reader->fn;
    link->guard.createString = ngx_http_dff_redis_guard_string;
    link->guard.createArray = ngx_http_dff_redis_guard_array;
    link->guard.createInteger = ngx_http_dff_redis_guard_integer;
    link->guard.createNil = ngx_http_dff_redis_guard_nil;

    reader->fn = &link->guard;
    reader->privdata = link;
}


/* A NULL from these ends the link. */

static void *
ngx_http_dff_redis_guard_string(const redisReadTask *task, char *str, size_t len)
{
    ngx_http_dff_redis_t  *link = task->privdata;

    if (!ngx_http_dff_redis_guard_admits(task, 0, str, len)) {
        return NULL;
    }

    if (task->parent == NULL && task->type == REDIS_REPLY_ERROR) {
        ngx_http_dff_redis_guard_error(link, str, len);
    }

    return link->objects->createString(task, str, len);
}


static void *
ngx_http_dff_redis_guard_array(const redisReadTask *task, ngx_http_dff_redis_count_t elements)
{
    ngx_http_dff_redis_t  *link = task->privdata;

    if (elements > NGX_HTTP_DFF_REDIS_ELEMENTS_MAX) {
        ngx_http_dff_redis_blame(link, "an array that is too long");
        return NULL;
    }

    if (!ngx_http_dff_redis_guard_admits(task, (ngx_uint_t) elements, NULL, 0)) {
        return NULL;
    }

    return link->objects->createArray(task, elements);
}


static void *
ngx_http_dff_redis_guard_integer(const redisReadTask *task, long long value)
{
    ngx_http_dff_redis_t  *link = task->privdata;

    if (!ngx_http_dff_redis_guard_admits(task, 0, NULL, 0)) {
        return NULL;
    }

    return link->objects->createInteger(task, value);
}


static void *
ngx_http_dff_redis_guard_nil(const redisReadTask *task)
{
    ngx_http_dff_redis_t  *link = task->privdata;

    if (!ngx_http_dff_redis_guard_admits(task, 0, NULL, 0)) {
        return NULL;
    }

    return link->objects->createNil(task);
}


/* elements: of an array; else 0. */
static ngx_uint_t
ngx_http_dff_redis_guard_admits(const redisReadTask *task, ngx_uint_t elements,
    const char *str, size_t len)
{
    ngx_uint_t             subscribed;
    ngx_http_dff_redis_t  *link = task->privdata;

    subscribed = (link->context->c.flags & REDIS_SUBSCRIBED) != 0;

    if (task->parent != NULL) {

        if (subscribed && task->parent->parent == NULL && link->context->replies.head == NULL) {
            return ngx_http_dff_redis_guard_member(task, str, len);
        }

        return 1;
    }

    link->answers++;

    if (link->context->replies.head != NULL || task->type == REDIS_REPLY_ERROR) {
        return 1;
    }

    if (!subscribed) {
        ngx_http_dff_redis_blame(link, "an answer that nobody asked for");
        return 0;
    }

    if (elements != 3) {
        ngx_http_dff_redis_blame(link, "not a message of a channel");
        return 0;
    }

    return 1;
}


/* "subscribe", channel, count; or "message", channel, text. */
static ngx_uint_t
ngx_http_dff_redis_guard_member(const redisReadTask *task, const char *str, size_t len)
{
    if (task->idx == 2) {
        return 1;
    }

    if (task->type == REDIS_REPLY_STRING
        && (task->idx == 1
            || (len == 7 && ngx_memcmp(str, "message", 7) == 0)
            || (len == 9 && ngx_memcmp(str, "subscribe", 9) == 0)))
    {
        return 1;
    }

    ngx_http_dff_redis_blame(task->privdata, "not a message of a channel");

    return 0;
}


static void
ngx_http_dff_redis_guard_error(ngx_http_dff_redis_t *link, const char *str, size_t len)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    for (i = 0; i < sizeof(ngx_http_dff_redis_unfit) / sizeof(ngx_http_dff_redis_unfit[0]); i++) {
        word = &ngx_http_dff_redis_unfit[i];

        if (len > word->len && str[word->len] == ' '
            && ngx_memcmp(str, word->data, word->len) == 0)
        {
            ngx_http_dff_redis_leave(link, str, len);
            return;
        }
    }
}
