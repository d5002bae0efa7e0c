/*
 * The connection that a link had before its present one. Runs in nginx workers.
 *
 * When a connection goes silent (a firewall has forgotten it) we give it up, but Redis may
 * hold it for minutes more. What blocks on it there, one BRPOP after the other, would go on
 * taking from the list for nobody; so the next connection has it closed before it takes
 * anything itself. Redis before 5.0 does not number its connections: there the old one takes
 * until the last of its commands has had its time.
 */
#ifndef NGX_HTTP_DFF_REDIS_FORMER_H
#define NGX_HTTP_DFF_REDIS_FORMER_H

#include "ngx_http_dff_redis.h"

#include "dff_redis_info.h"

typedef struct {
    ngx_http_dff_redis_t  *link;
    void                 (*ended)(ngx_http_dff_redis_t *link);

    /* private */
    int64_t                id;        /* of the last connection that was up; 0: unknown */
    char                   life[DFF_REDIS_RUN_ID_SIZE];   /* of the server, that it is of */
    int64_t                next;      /* of the present one, while its life is asked for */
} ngx_http_dff_redis_former_t;

/* To be called when the link is up. Calls ended() once Redis has been told; not when the link
 * ends meanwhile. */
void ngx_http_dff_redis_former_end(ngx_http_dff_redis_former_t *former);

#endif
