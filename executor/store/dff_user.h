/*
 * Users in MySQL: the first one, and a new password for one that has lost it. Runs in dffctl.
 */
#ifndef DFF_USER_H
#define DFF_USER_H

#include "store/dff_db.h"
#include "store/dff_password.h"

typedef struct {
    bool made;                                  /* false: the database has users */
    bool password_is_random;                    /* to be shown, once */
    char username[65];
    char password[DFF_PASSWORD_MAX + 1];        /* wipe after showing */
} dff_user_setup_t;

/* In a database without users, makes the administrator u-admin with the
 * configured name and password, or a random password. */
int dff_user_setup_admin(dff_db_t *db, const dff_config_t *cfg, dff_user_setup_t *setup,
    dff_err_t *err);

int dff_user_random_password(char password[DFF_PASSWORD_MAX + 1], dff_err_t *err);
/* Its sign-ins are over with it. DFF_E_CLIENT_NOT_FOUND: there is no such user name. */
int dff_user_reset_password(dff_db_t *db, dff_str_t username, const char *password,
    dff_err_t *err);

#endif
