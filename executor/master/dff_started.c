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
