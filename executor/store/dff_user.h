/*
 * Users in MySQL; for now the first one. Runs in dffctl and the api processes.
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

#endif
