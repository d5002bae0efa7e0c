/*
 * Headers that no function gives to its answer: those of one connection (RFC 9110, 7.6.1), those
 * that an nginx on the way obeys instead of sending them on, and those by which the platform
 * says what it knows or what its configuration decides. What a function says there is left out.
 *
 * Asked by both doors of an answer, the nginx module and the executor's API. Pure.
 */
#ifndef DFF_OWN_HEADER_H
#define DFF_OWN_HEADER_H

#include <stdbool.h>

/* In any case of letters. */
bool dff_own_header(const char *name);

#endif
