/* Entries of started:<node>: see the header. */
#include "dff_started.h"

#include "dff_banned.h"

#define DFF_STARTED_SMALL  512      /* bytes behind the head that are cheaper sent than left out */

static bool
dff_started_whole(const dff_job_t *job)
{
    return job->retry_on_lost || job->save_result
           || job->kwargs.len + job->request.len < DFF_STARTED_SMALL;
}

dff_str_t
dff_started_entry(const dff_run_t *run, dff_buf_t *buf)
{
    dff_str_t whole = { run->envelope, run->size };
    dff_job_t head = run->job;
    size_t    size;
    char     *out;

    if (dff_started_whole(&head))
        return whole;
    head.kwargs = DFF_STR("{}");
    head.request = DFF_STR_NULL;
    head.shared = (dff_job_shared_t) { 0 };
    size = dff_job_size(&head);
    dff_buf_clear(buf);
    out = dff_buf_reserve(buf, size);
    if (out == NULL)
        return whole;
    buf->len = (size_t) (dff_job_write(out, &head) - out);
    return (dff_str_t) { buf->data, buf->len };
}

int
dff_started_again(dff_run_t *run, redisCallbackFn *fn)
{
    dff_master_t  *master = run->master;
    dff_buf_t      buf = DFF_BUF_INIT;
    dff_str_t      entry = dff_started_entry(run, &buf);
    dff_lua_call_t call;
    int            rc;

    dff_lua_begin(&call);
    dff_lua_key(&call, master->key_claimed, master->key_claimed_len);
    dff_lua_key(&call, master->key_started, master->key_started_len);
    dff_lua_arg(&call, run->job.id.data, run->job.id.len);
    dff_lua_arg(&call, run->envelope, run->size);
    dff_lua_arg(&call, entry.data, entry.len);
    rc = dff_lua_run(&master->lua, DFF_LUA_START_AGAIN, DFF_LUA_TEXT, &call, master->command, fn,
                     run);
    dff_buf_release(&buf);
    return rc;
}
