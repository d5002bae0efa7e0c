/*
 * How often a password may be tried, for a name and for an address: after three failures
 * within 15 minutes a captcha is asked for, after ten each failure costs a pause that grows
 * to a minute. Runs in the api processes.
 */
#ifndef DFF_ATTEMPTS_H
#define DFF_ATTEMPTS_H

#include "api/http/dff_web.h"

#define DFF_ATTEMPTS_FREE      3
#define DFF_ATTEMPTS_PAUSES    10
#define DFF_ATTEMPTS_WINDOW_S  900

/* Counts an attempt before it is made, so that many at once are counted as many.
 * DFF_E_USER_CAPTCHA, DFF_E_USER_PASSWORD: it must not be made. */
int dff_attempts_begin(dff_web_call_t *call, dff_str_t name, const char *category,
    dff_err_t *err);
/* It was right: forgets those of the name. */
void dff_attempts_good(dff_web_call_t *call, dff_str_t name);

#endif
