/* The end of a link's former connection in Redis: see the header. */
#include "ngx_http_dff_redis_former.h"

static void ngx_http_dff_redis_former_on_id(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_redis_former_on_info(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_redis_former_kill(ngx_http_dff_redis_former_t *former);


void
ngx_http_dff_redis_former_end(ngx_http_dff_redis_former_t *former)
{
    static ngx_str_t  client_id[2] = { ngx_string("CLIENT"), ngx_string("ID") };
    static ngx_str_t  info[2] = { ngx_string("INFO"), ngx_string("server") };

    former->next = 0;

    /* a failure is the link's, which then comes up anew */
    if (ngx_http_dff_redis_command(former->link, ngx_http_dff_redis_former_on_id, former,
                                   2, client_id)
        == NGX_OK)
    {
        (void) ngx_http_dff_redis_command(former->link, ngx_http_dff_redis_former_on_info,
                                          former, 2, info);
    }
}


static void
ngx_http_dff_redis_former_on_id(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply                   *reply = data;
    ngx_http_dff_redis_former_t  *former = privdata;

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
        former->next = reply->integer;
    }
}


static void
ngx_http_dff_redis_former_on_info(redisAsyncContext *ac, void *data, void *privdata)
{
    char                          life[DFF_REDIS_RUN_ID_SIZE] = "";
    redisReply                   *reply = data;
    ngx_http_dff_redis_former_t  *former = privdata;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_STRING) {
        dff_redis_info_run_id((dff_str_t) { reply->str, (size_t) reply->len }, life);
    }

    /* in another life of Redis the number is somebody else's */
    if (former->id != 0 && ngx_strcmp(former->life, life) == 0) {
        ngx_http_dff_redis_former_kill(former);
    }

    former->id = life[0] == '\0' ? 0 : former->next;
    ngx_memcpy(former->life, life, sizeof(life));

    former->ended(former->link);
}


static void
ngx_http_dff_redis_former_kill(ngx_http_dff_redis_former_t *former)
{
    u_char     number[NGX_INT64_LEN];
    ngx_str_t  argv[4] = {
        ngx_string("CLIENT"), ngx_string("KILL"), ngx_string("ID"), { 0, number }
    };

    argv[3].len = ngx_sprintf(number, "%L", former->id) - number;

    /* an error says that it has ended already */
    (void) ngx_http_dff_redis_command(former->link, NULL, NULL, 4, argv);
}
