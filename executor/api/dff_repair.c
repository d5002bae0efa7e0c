/* Telling Redis what somebody could not: see the header. */
#include "api/dff_repair.h"

#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"

#define DFF_REPAIR_AGE_MS        2000   /* younger ones: who made them is at it */
#define DFF_REPAIR_TURN_MS       900    /* of the cluster: less than DFF_REPAIR_EVERY_MS */
#define DFF_REPAIR_RETRY_MAX_MS  15000


/* Is it our turn? The lock is not given back: it keeps the others from looking, too. */
static bool
dff_repair_turn(dff_api_t *api)
{
    redisReply *reply = dff_rcmd_run(api->rcmd, NULL, "SET " DFF_KEY_REPAIR_LOCK " %s NX PX %d",
                                     api->node, DFF_REPAIR_TURN_MS);
    bool        ours = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    if (reply != NULL)
        freeReplyObject(reply);
    return ours;
}


static void
dff_repair_failed(dff_api_t *api, const dff_err_t *err)
{
    dff_repair_t *repair = &api->repair;

    if (repair->retry_ms == 0)
        dff_log_info(&api->log, NULL, "looking for changes that Redis was not told: %s",
                     err->message);
    repair->retry_ms = repair->retry_ms == 0 ? DFF_REPAIR_EVERY_MS : 2 * repair->retry_ms;
    if (repair->retry_ms > DFF_REPAIR_RETRY_MAX_MS)
        repair->retry_ms = DFF_REPAIR_RETRY_MAX_MS;
    repair->next_ms = dff_time_monotonic_ms() + repair->retry_ms;
}


void
dff_repair_tick(dff_api_t *api)
{
    dff_unsynced_work_t work;
    dff_err_t           err;

    if (api->leaving || dff_time_monotonic_ms() < api->repair.next_ms || !dff_repair_turn(api))
        return;
    if (dff_unsynced_repair(api->db, api->rcmd, DFF_REPAIR_AGE_MS, &work, &err) != DFF_OK)
        dff_repair_failed(api, &err);
    else
        api->repair.retry_ms = 0;
    if (work.done > 0)
        dff_log_warn(&api->log, NULL, "%zu scripts and links are published whose change was "
                     "stored, but not told to Redis", work.done);
    if (work.dropped > 0)
        dff_log_error(&api->log, NULL, "%zu scripts or links are stored and cannot be published: "
                      "%s", work.dropped, work.why.message);
}
