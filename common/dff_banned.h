/*
 * Calls that must not compile in our code: they overrun, keep hidden state, or
 * touch what a guest inside nginx shares with its host. Include it last; what
 * system and nginx headers did with these names before stays as it is.
 */
#ifndef DFF_BANNED_H
#define DFF_BANNED_H

/* Overrun: use memcpy with a length, snprintf, or dff_buf. */
#pragma GCC poison strcpy strcat strncpy strncat stpcpy stpncpy sprintf vsprintf gets

/* Hidden static state: use strchr or memchr by hand, dff_time, dff_tz. */
#pragma GCC poison strtok localtime gmtime ctime asctime ctime_r asctime_r mktemp tmpnam tempnam

/* Errors that cannot be told from values: use dff_json_int64 or strtoll. */
#pragma GCC poison atoi atol atoll atof

/* A shell, where an argument vector belongs. */
#pragma GCC poison system popen

/* Weak or shared random numbers: use dff_id. */
#pragma GCC poison rand srand

#endif
