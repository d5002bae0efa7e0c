/*
 * Every Redis key and channel of DFF. Nothing else spells a key.
 *
 * Functions write a NUL-terminated key into the caller's buffer and return its
 * length; the parts come from checked ids, and a part that does not fit is cut,
 * never overrun.
 */
#ifndef DFF_KEYS_H
#define DFF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_buf.h"
#include "dff_str.h"

#define DFF_KEY_MAX  400
typedef char dff_key_t[DFF_KEY_MAX];

#define DFF_KEY_PREFIX           "dff:"
#define DFF_KEY_SCRIPTS          DFF_KEY_PREFIX "scripts"
#define DFF_KEY_SCRIPTS_VERSION  DFF_KEY_PREFIX "scripts:version"
#define DFF_KEY_NODES            DFF_KEY_PREFIX "nodes"     /* set: nodes with state in Redis */
#define DFF_KEY_RECORDS          DFF_KEY_PREFIX "records"   /* list: of tasks, for MySQL */
#define DFF_KEY_RECORDS_WRITING  DFF_KEY_PREFIX "records:writing"   /* list: those under way */
#define DFF_KEY_RECORDS_WRITER   DFF_KEY_PREFIX "records:writer"    /* who has them */
#define DFF_KEY_BAD              DFF_KEY_PREFIX "bad"        /* list: envelopes nobody can read */
#define DFF_KEY_DELAYED          DFF_KEY_PREFIX "delayed"    /* zset: due time -> envelope */
#define DFF_KEY_LEDGER           DFF_KEY_PREFIX "ledger"     /* hash: dff_ledger.h */
#define DFF_KEY_PROBE            DFF_KEY_PREFIX "probe"      /* never exists */
#define DFF_KEY_RESTORED         DFF_KEY_PREFIX "restored"  /* run_id of Redis */
#define DFF_KEY_RESTORE_LOCK     DFF_KEY_PREFIX "lock:restore"
#define DFF_KEY_PYTHON_INSTALL   DFF_KEY_PREFIX "python-install"    /* its state */
#define DFF_KEY_PYTHON_LOCK      DFF_KEY_PREFIX "lock:python-install"
#define DFF_KEY_BACKUP           DFF_KEY_PREFIX "backup"     /* minute of the last one */
#define DFF_KEY_BACKUP_LOCK      DFF_KEY_PREFIX "lock:backup"
#define DFF_KEY_REPAIR_LOCK      DFF_KEY_PREFIX "lock:repair"
#define DFF_CHANNEL_CHANGED      DFF_KEY_PREFIX "changed"

/* dff:wake:<node>: to the master of one node, docs/protocol.md. */
size_t dff_key_wake(dff_key_t key, dff_str_t node);
size_t dff_key_queue(dff_key_t key, int queue);
/* queue:<n>@<node>, for jobs that one node must run; queue:<n> when node is empty. */
size_t dff_key_queue_at(dff_key_t key, int queue, dff_str_t node);
size_t dff_key_claimed(dff_key_t key, dff_str_t node);
size_t dff_key_started(dff_key_t key, dff_str_t node);
size_t dff_key_node(dff_key_t key, dff_str_t node);
size_t dff_key_reply(dff_key_t key, dff_str_t producer);
size_t dff_key_result(dff_key_t key, dff_str_t task_id);
size_t dff_key_attempts(dff_key_t key, dff_str_t task_id);
size_t dff_key_nonce(dff_key_t key, dff_str_t nonce);     /* bitmap of its used counts */
size_t dff_key_route(dff_key_t key, const char *kind, dff_str_t id);   /* kind: "al", "bat" */

/* Calls of a link in one window of one rule: dff_throttle.h. */
size_t dff_key_throttle(dff_key_t key, const char *kind, dff_str_t id, const char *rule,
    int64_t window);
/* A cached result; digest: hexadecimal, of what the function was called with. */
size_t dff_key_cache_result(dff_key_t key, dff_str_t func_id, int script_version,
    dff_str_t digest);
/* What the management API remembers for some time; digest: hexadecimal, of a token, a
 * name, an address. */
typedef enum {
    DFF_KEY_SESSION,        /* a sign-in */
    DFF_KEY_CAPTCHA,
    DFF_KEY_SIGN_IN,        /* failed attempts of a user or an address */
    DFF_KEY_SIGN_IN_WAIT,   /* exists: no further attempt now */
    DFF_KEY_AK_NONCE,       /* used with an access key */
    DFF_KEY_IMPORT,         /* a package that waits for its confirmation */
    DFF_KEY_SOURCE_TRIAL,   /* a sealed config that a worker tries */
    DFF_KEY_API_COUNT
} dff_key_api_t;
size_t dff_key_api(dff_key_t key, dff_key_api_t kind, dff_str_t digest);

/* Samples of the system: a list for each metric; who takes them (node "": those of the
 * cluster); requests by route on a day, "2021-10-14". */
size_t dff_key_monitor(dff_key_t key, const char *metric);
size_t dff_key_monitor_turn(dff_key_t key, dff_str_t node);
size_t dff_key_monitor_routes(dff_key_t key, const char *date);

/* Statistics of a link: a hash date -> calls, and the list of its last calls. */
size_t dff_key_stat_count(dff_key_t key, const char *kind, dff_str_t id);
size_t dff_key_stat_recent(dff_key_t key, const char *kind, dff_str_t id);

/* A value of DFF.CACHE. Scope and name are texts of scripts, of any bytes and up to a
 * thousand of them, hence the buffer: adds cache:func:<bytes of scope>:<scope>:<name>. */
#define DFF_KEY_FUNC_CACHE  DFF_KEY_PREFIX "cache:func:"
void dff_key_func_cache(dff_buf_t *key, dff_str_t scope, dff_str_t name);
/* The parts of such a key; false: it is none. */
bool dff_key_func_cache_parts(dff_str_t key, dff_str_t *scope, dff_str_t *name);

#endif
