/*
 * Guessing of passwords (httpBasic, httpDigest) is bounded: after so many wrong ones of a
 * user at a link from one address within a minute, what comes from there for that user is
 * refused unseen until the minute is over.
 *
 * Who shares the address of a guesser (behind a NAT, or a proxy that is not trusted) is
 * not shut out: credentials that were right lately are looked at in any case. (With httpBasic a
 * guesser at the address of who was right is not bounded therefore: a right guess is the
 * same as what that one sends.)
 *
 * Each nginx worker counts for itself, in two tables of fixed size: no question to Redis,
 * and nobody can fill a memory. An address of IPv6 is its network of 64 bits. Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_AUTH_GUESS_H
#define NGX_HTTP_DFF_AUTH_GUESS_H

#include "ngx_http_dff_module.h"

#define NGX_HTTP_DFF_GUESSES_MAX     60    /* wrong ones … */
#define NGX_HTTP_DFF_GUESSES_WINDOW  60    /* … in so many seconds */

/* NULL: no memory, or no random bytes. */
ngx_http_dff_guesses_t *ngx_http_dff_auth_guess_new(ngx_cycle_t *cycle);

/*
 * May these credentials be looked at? proof: what only their holder has, and has again
 * with the next call. 0: not now; otherwise what they turn out to be is told by the calls
 * below. wait: set to the seconds that are left.
 */
ngx_uint_t ngx_http_dff_auth_guess_may(ngx_http_dff_ctx_t *ctx, dff_str_t username,
    dff_str_t proof, time_t *wait);
void ngx_http_dff_auth_guess_wrong(ngx_http_dff_ctx_t *ctx, dff_str_t username);
void ngx_http_dff_auth_guess_right(ngx_http_dff_ctx_t *ctx, dff_str_t username,
    dff_str_t proof);

#endif
