/*
 * Password hashes: yescrypt through libcrypt, as one text that names method, cost
 * and salt. Blocks the process for a tenth of a second by intent. Pure code.
 */
#ifndef DFF_PASSWORD_H
#define DFF_PASSWORD_H

#include <stdbool.h>

#include "dff_err.h"

#define DFF_PASSWORD_HASH_SIZE  256
#define DFF_PASSWORD_MAX        100     /* characters; management-api.md, users */

int dff_password_hash(char out[DFF_PASSWORD_HASH_SIZE], const char *password, dff_err_t *err);
/* False too when hash is no hash. Takes as long for a wrong password. */
bool dff_password_matches(const char *password, const char *hash);

#endif
