/* Which scripts one worker has, and the frames that bring it up to date. Runs in
 * the master. */
#include "dff_worker_scripts.h"

#include <stdlib.h>

#include "dff_frame.h"

#include "master/dff_published.h"

#include "dff_banned.h"

void
dff_worker_scripts_release(dff_worker_scripts_t *scripts)
{
    free(scripts->versions);
    *scripts = (dff_worker_scripts_t) { .versions = NULL };
}

/* A version below 0 is one that the worker has and must not use any more. */
void
dff_worker_scripts_changed(dff_worker_scripts_t *scripts, uint32_t slot)
{
    if (slot >= scripts->count || scripts->versions[slot] <= 0)
        return;
    scripts->versions[slot] = -scripts->versions[slot];
    if (scripts->ndirty == DFF_WORKER_DIRTY_MAX)
        scripts->all_dirty = true;
    else
        scripts->dirty[scripts->ndirty++] = slot;
}

void
dff_worker_scripts_all_changed(dff_worker_scripts_t *scripts)
{
    scripts->all_dirty = true;
}

static void
dff_worker_scripts_drop(dff_buf_t *out, dff_str_t id)
{
    size_t begin = dff_frame_begin(out, DFF_FRAME_DROP, 0);

    dff_frame_put_str(out, id);
    dff_frame_end(out, begin);
}

void
dff_worker_scripts_give(dff_worker_scripts_t *scripts, dff_published_slot_t *slot, dff_buf_t *out)
{
    size_t begin;

    slot->given = true;
    if (slot->index >= scripts->count) {
        uint32_t count = slot->index + 32;
        int32_t *versions = realloc(scripts->versions, count * sizeof(*versions));

        /* Without the note it is sent again for the next job: slower, not wrong. */
        if (versions != NULL) {
            memset(versions + scripts->count, 0, (count - scripts->count) * sizeof(*versions));
            scripts->versions = versions;
            scripts->count = count;
        }
    }
    if (slot->index < scripts->count)
        scripts->versions[slot->index] = slot->script.version;

    begin = dff_frame_begin(out, DFF_FRAME_SCRIPT, 0);
    dff_frame_put_u32(out, (uint32_t) slot->script.version);
    dff_frame_put_str(out, (dff_str_t) { slot->id, slot->id_len });
    dff_frame_put_str(out, (dff_str_t) { slot->script.code, slot->script.code_len });
    dff_frame_end(out, begin);
}

void
dff_worker_scripts_prepare(dff_worker_scripts_t *scripts, dff_published_t *cache,
    dff_published_slot_t *slot, dff_buf_t *out)
{
    int i;

    if (scripts->all_dirty) {
        dff_worker_scripts_drop(out, DFF_STR(""));
        if (scripts->count > 0)
            memset(scripts->versions, 0, scripts->count * sizeof(*scripts->versions));
    } else {
        for (i = 0; i < scripts->ndirty; i++) {
            uint32_t index = scripts->dirty[i];

            /* Given anew since: that replaced it. */
            if (scripts->versions[index] >= 0)
                continue;
            scripts->versions[index] = 0;
            if (slot == NULL || slot->index != index || slot->script.code == NULL)
                dff_worker_scripts_drop(out, dff_published_id(cache, index));
        }
    }
    scripts->all_dirty = false;
    scripts->ndirty = 0;

    if (slot != NULL && slot->script.code != NULL
        && (slot->index >= scripts->count
            || scripts->versions[slot->index] != slot->script.version))
        dff_worker_scripts_give(scripts, slot, out);
}
