/* Users in MySQL: see the header. */
#include "store/dff_user.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "dff_id.h"

#include "dff_banned.h"

#define DFF_USER_ADMIN_ID    "u-admin"
#define DFF_USER_ADMIN_NAME  "admin"

typedef struct {
    dff_user_setup_t *setup;
    const char       *hash;
} dff_user_setup_ctx_t;


/* Counts inside the transaction that inserts: two nodes make one user. */
static int
dff_user_insert_admin(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_user_setup_ctx_t *setup = ctx;
    dff_db_value_t        values[] = {
        DFF_DB_VALUE_TEXT(DFF_STR(DFF_USER_ADMIN_ID)),
        DFF_DB_VALUE_TEXT(dff_str_from(setup->setup->username)),
        DFF_DB_VALUE_TEXT(dff_str_from(setup->hash)),
        DFF_DB_VALUE_TEXT(DFF_STR("Administrator")),
    };
    dff_db_rows_t         users;
    bool                  empty;

    if (dff_db_query(db, "SELECT id FROM user LIMIT 1 FOR UPDATE", NULL, 0, &users, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    empty = users.nrows == 0;
    dff_db_rows_release(&users);
    setup->setup->made = empty;
    if (!empty) {
        return DFF_OK;
    }
    return dff_db_exec(db, "INSERT INTO user (id, username, passwordHash, name, roles,"
                           " customPrivileges) VALUES (?, ?, ?, ?, 'sa', '*')",
                       DFF_DB_ARGS(values), NULL, err);
}


int
dff_user_random_password(char password[DFF_PASSWORD_MAX + 1], dff_err_t *err)
{
    dff_id_source_t source;
    char            random[DFF_ID_SIZE];

    dff_id_source_init(&source);
    if (dff_id_make(&source, random, "") == 0)
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    (void) snprintf(password, DFF_PASSWORD_MAX + 1, "%s", random);
    OPENSSL_cleanse(&source, sizeof(source));
    OPENSSL_cleanse(random, sizeof(random));
    return DFF_OK;
}


static int
dff_user_choose_password(const dff_config_t *cfg, dff_user_setup_t *setup, dff_err_t *err)
{
    size_t len = strlen(cfg->auto_setup_admin_password);

    if (len > DFF_PASSWORD_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "AUTO_SETUP_ADMIN_PASSWORD must have 1 to %d bytes, has %zu",
                           DFF_PASSWORD_MAX, len);
    }
    if (len > 0) {
        memcpy(setup->password, cfg->auto_setup_admin_password, len + 1);
        return DFF_OK;
    }

    setup->password_is_random = true;
    return dff_user_random_password(setup->password, err);
}


int
dff_user_setup_admin(dff_db_t *db, const dff_config_t *cfg, dff_user_setup_t *setup,
    dff_err_t *err)
{
    const char          *username = cfg->auto_setup_admin_username;
    dff_user_setup_ctx_t ctx = { .setup = setup };
    dff_db_rows_t        users;
    char                 hash[DFF_PASSWORD_HASH_SIZE];
    bool                 empty;

    *setup = (dff_user_setup_t) { 0 };
    if (dff_db_query(db, "SELECT id FROM user LIMIT 1", NULL, 0, &users, err) != DFF_OK) {
        return DFF_ERROR;
    }
    empty = users.nrows == 0;
    dff_db_rows_release(&users);
    if (!empty) {
        return DFF_OK;      /* before the hash, which takes its time */
    }

    username = username[0] == '\0' ? DFF_USER_ADMIN_NAME : username;
    if (strlen(username) >= sizeof(setup->username)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "AUTO_SETUP_ADMIN_USERNAME must have 1 to %zu bytes",
                           sizeof(setup->username) - 1);
    }
    memcpy(setup->username, username, strlen(username) + 1);

    if (dff_user_choose_password(cfg, setup, err) != DFF_OK
        || dff_password_hash(hash, setup->password, err) != DFF_OK)
    {
        return dff_err_wrap(err, "first user %s", username);
    }
    ctx.hash = hash;
    return dff_db_transaction(db, dff_user_insert_admin, &ctx, err);
}


int
dff_user_reset_password(dff_db_t *db, dff_str_t username, const char *password, dff_err_t *err)
{
    char           hash[DFF_PASSWORD_HASH_SIZE];
    uint64_t       changed;
    dff_db_value_t values[2] = { [1] = DFF_DB_VALUE_TEXT(username) };

    if (dff_password_hash(hash, password, err) != DFF_OK)
        return DFF_ERROR;
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(hash));
    if (dff_db_exec(db, "UPDATE user SET passwordHash = ?, authVersion = authVersion + 1"
                        " WHERE username = ?", DFF_DB_ARGS(values), &changed, err) != DFF_OK)
        return DFF_ERROR;
    return changed > 0 ? DFF_OK : dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such user: %.*s",
                                              (int) (username.len > 64 ? 64 : username.len),
                                              username.data);
}
