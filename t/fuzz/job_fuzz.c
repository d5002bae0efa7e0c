/* The job envelope: common/dff_envelope.c. */
#include "dff_envelope.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_job_t job, again;
    dff_err_t err;
    char     *text;
    size_t    len;

    if (dff_job_decode(fuzz_text(data, size), &job, &err) != DFF_OK)
        return 0;
    FUZZ_MUST(dff_job_check(&job, &err) == DFF_OK);

    len = dff_job_size(&job);
    text = fuzz_room(len);
    FUZZ_MUST(dff_job_write(text, &job) == text + len);
    FUZZ_MUST(dff_job_decode((dff_str_t) { text, len }, &again, &err) == DFF_OK);
    FUZZ_MUST(dff_str_eq(job.id, again.id) && dff_str_eq(job.func_id, again.func_id)
        && dff_str_eq(job.kwargs, again.kwargs) && dff_str_eq(job.request, again.request)
        && job.expires_at_ms == again.expires_at_ms && job.timeout_s == again.timeout_s);
    free(text);

    len = dff_job_request_size(&job);
    text = fuzz_room(len);
    FUZZ_MUST(dff_job_request_write(text, &job) == text + len);
    free(text);
    return 0;
}
