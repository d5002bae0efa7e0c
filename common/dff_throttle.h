/*
 * How often a link may be called: limits for windows of fixed length that begin at
 * multiples of it in Unix time. The JSON is {"bySecond":10,"byMinute":100,…}; a rule
 * that is left out or null does not limit.
 * Runs in nginx (limits every call), dffctl and api processes (check what is stored).
 */
#ifndef DFF_THROTTLE_H
#define DFF_THROTTLE_H

#include <stdint.h>

#include "dff_err.h"
#include "dff_str.h"

#define DFF_THROTTLE_MAX_CALLS  INT64_C(1000000000)    /* in any window */

/* The longest window first: where several are full, the first one says how long to wait. */
typedef enum {
    DFF_THROTTLE_YEAR, DFF_THROTTLE_MONTH, DFF_THROTTLE_DAY, DFF_THROTTLE_HOUR,
    DFF_THROTTLE_MINUTE, DFF_THROTTLE_SECOND, DFF_THROTTLE_RULES
} dff_throttle_rule_t;

typedef struct {
    int64_t calls[DFF_THROTTLE_RULES];      /* allowed in a window; 0: any number */
} dff_throttle_t;

/* json: the text of an object, of null, or empty. DFF_ERROR: unknown rule, or a limit
 * that is no integer from 1 to DFF_THROTTLE_MAX_CALLS. */
int dff_throttle_read(dff_throttle_t *throttle, dff_str_t json, dff_err_t *err);

const char *dff_throttle_name(dff_throttle_rule_t rule);        /* "bySecond" */
int64_t dff_throttle_window_s(dff_throttle_rule_t rule);

#endif
