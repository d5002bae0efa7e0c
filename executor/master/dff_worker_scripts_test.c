/* Tests of the frames that bring a worker's scripts up to date. */
#include "master/dff_worker_scripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dff_frame.h"

#include "master/dff_published.h"
#include "master/dff_run.h"

/* A cache without Redis: asking for a script makes its slot. */
typedef struct {
    dff_master_t         master;
    dff_published_t     *cache;
    dff_worker_scripts_t scripts;
    dff_buf_t            out;
    dff_run_t            runs[40];
    char                 ids[40][32];
    int                  count;
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->cache = dff_published_new(&f->master);
    assert_non_null(f->cache);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    dff_worker_scripts_release(&f->scripts);
    dff_published_free(f->cache);
    dff_buf_release(&f->out);
    free(f);
    return 0;
}

static dff_published_slot_t *
slot_of(fixture_t *f, int version)
{
    dff_run_t *run = &f->runs[f->count];
    char      *id = f->ids[f->count];

    (void) snprintf(id, sizeof(f->ids[0]), "demo__s%d.f", f->count++);
    run->job.func_id = dff_str_from(id);
    assert_false(dff_published_want(f->cache, run));
    run->slot->script.version = version;
    run->slot->script.code = strdup("x");
    run->slot->script.code_len = 1;
    return run->slot;
}

/* "S demo__s0@1 D demo__s1 " for what prepare wrote. */
static const char *
prepared(fixture_t *f, dff_published_slot_t *slot)
{
    static char      text[4096];
    dff_frame_head_t head;
    dff_str_t        rest, payload, id;
    uint32_t         version = 0;
    size_t           at = 0;

    dff_buf_clear(&f->out);
    dff_worker_scripts_prepare(&f->scripts, f->cache, slot, &f->out);
    rest = (dff_str_t) { f->out.data, f->out.len };
    text[0] = '\0';
    while (dff_frame_peek(rest, &head, &payload, NULL) == 1) {
        rest.data += sizeof(head) + head.size;
        rest.len -= sizeof(head) + head.size;
        if (head.type == DFF_FRAME_SCRIPT)
            assert_int_equal(dff_frame_get_u32(&payload, &version), DFF_OK);
        assert_int_equal(dff_frame_get_str(&payload, &id), DFF_OK);
        at += (size_t) (head.type == DFF_FRAME_SCRIPT
                        ? snprintf(text + at, sizeof(text) - at, "S %.*s@%u ", (int) id.len,
                                   id.data, version)
                        : snprintf(text + at, sizeof(text) - at, "D %.*s ", (int) id.len,
                                   id.data));
    }
    assert_int_equal(rest.len, 0);
    return text;
}

static void
a_script_is_sent_once(void **state)
{
    fixture_t            *f = *state;
    dff_published_slot_t *slot = slot_of(f, 3);

    assert_string_equal(prepared(f, slot), "S demo__s0@3 ");
    assert_string_equal(prepared(f, slot), "");
    assert_string_equal(prepared(f, NULL), "");
}

static void
a_changed_script_is_replaced_or_dropped_before_the_next_job(void **state)
{
    fixture_t            *f = *state;
    dff_published_slot_t *a = slot_of(f, 1), *b = slot_of(f, 1);

    (void) prepared(f, a);
    (void) prepared(f, b);
    dff_worker_scripts_changed(&f->scripts, a->index);
    dff_worker_scripts_changed(&f->scripts, a->index);
    assert_string_equal(prepared(f, b), "D demo__s0 ");
    assert_string_equal(prepared(f, b), "");

    a->script.version = 2;
    dff_worker_scripts_changed(&f->scripts, b->index);
    assert_string_equal(prepared(f, a), "D demo__s1 S demo__s0@2 ");
    dff_worker_scripts_changed(&f->scripts, a->index);
    assert_string_equal(prepared(f, a), "S demo__s0@2 ");
}

static void
a_version_that_went_back_is_sent_too(void **state)
{
    fixture_t            *f = *state;
    dff_published_slot_t *slot = slot_of(f, 7);

    (void) prepared(f, slot);
    slot->script.version = 1;      /* deleted, and published anew */
    assert_string_equal(prepared(f, slot), "S demo__s0@1 ");
}

static void
a_script_given_in_a_job_is_not_dropped_after_it(void **state)
{
    fixture_t            *f = *state;
    dff_published_slot_t *a = slot_of(f, 1), *b = slot_of(f, 1);

    (void) prepared(f, a);
    dff_worker_scripts_changed(&f->scripts, a->index);
    dff_worker_scripts_give(&f->scripts, a, &f->out);
    assert_string_equal(prepared(f, b), "S demo__s1@1 ");
}

static void
everything_is_dropped_at_once_when_much_has_changed(void **state)
{
    fixture_t            *f = *state;
    dff_published_slot_t *slots[DFF_WORKER_DIRTY_MAX + 1];
    int                   i;

    for (i = 0; i <= DFF_WORKER_DIRTY_MAX; i++) {
        slots[i] = slot_of(f, 1);
        (void) prepared(f, slots[i]);
    }
    for (i = 0; i <= DFF_WORKER_DIRTY_MAX; i++)
        dff_worker_scripts_changed(&f->scripts, slots[i]->index);
    assert_string_equal(prepared(f, slots[0]), "D  S demo__s0@1 ");
    assert_string_equal(prepared(f, slots[1]), "S demo__s1@1 ");

    dff_worker_scripts_all_changed(&f->scripts);
    assert_string_equal(prepared(f, NULL), "D  ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_script_is_sent_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_changed_script_is_replaced_or_dropped_before_the_next_job, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_that_went_back_is_sent_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_script_given_in_a_job_is_not_dropped_after_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(everything_is_dropped_at_once_when_much_has_changed,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
