/*
 * Sign-ins: an unguessable token, of which Redis knows the digest only. An entry lives for
 * _WEB_AUTH_EXPIRES s from its last use, and names the user with the authVersion that he
 * had: a changed password, role or privilege, disabling and deleting end all sign-ins of a
 * user with the statement that changes him. Runs in the api processes.
 */
#ifndef DFF_SESSION_H
#define DFF_SESSION_H

#include "api/http/dff_web.h"

#define DFF_SESSION_EXPIRES_S   86400
#define DFF_SESSION_TOKEN_SIZE  64

/* Fills token for call's answer, and stores the sign-in of user. */
int dff_session_open(dff_web_call_t *call, const dff_web_user_t *user,
    char token[DFF_SESSION_TOKEN_SIZE], dff_err_t *err);

/* The user behind a token, whose entry is renewed. DFF_E_USER_AUTH: it is no good. */
int dff_session_find(dff_web_call_t *call, dff_str_t token, dff_err_t *err);

/* The entry of a token goes on for a user whose authVersion has just changed. */
int dff_session_renew(dff_web_call_t *call, dff_str_t token, const dff_web_user_t *user,
    dff_err_t *err);

int dff_session_close(dff_web_call_t *call, dff_str_t token, dff_err_t *err);

/* What the request presents, where its method allows it; data NULL: nothing. */
dff_str_t dff_session_token(const dff_web_call_t *call);

#endif
