/*
 * dffctl user reset-password.
 */
#include "ctl/dff_ctl.h"

#include <openssl/crypto.h>
#include <string.h>

#include "store/dff_user.h"

#include "dff_banned.h"

enum { DFF_CTL_USER_STDIN };


/* A line of standard input. */
static int
dff_ctl_user_read(dff_ctl_t *ctl, char password[DFF_PASSWORD_MAX + 1])
{
    dff_buf_t text = DFF_BUF_INIT;
    int       rc = dff_ctl_read_file(ctl, "-", DFF_PASSWORD_MAX + 1, &text);

    if (rc == DFF_OK && text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (rc == DFF_OK && (text.len == 0 || text.len > DFF_PASSWORD_MAX
                         || memchr(text.data, '\0', text.len) != NULL
                         || memchr(text.data, '\n', text.len) != NULL))
        rc = dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST,
                         "a password is one line of 1 to %d bytes", DFF_PASSWORD_MAX);
    if (rc == DFF_OK) {
        memcpy(password, text.data, text.len);
        password[text.len] = '\0';
    }
    if (text.data != NULL)
        OPENSSL_cleanse(text.data, text.len);
    dff_buf_release(&text);
    return rc;
}


int
dff_ctl_user_reset_password(dff_ctl_t *ctl)
{
    char password[DFF_PASSWORD_MAX + 1];
    bool given = ctl->options[DFF_CTL_USER_STDIN] != NULL;
    int  rc = given ? dff_ctl_user_read(ctl, password)
                    : dff_user_random_password(password, &ctl->err);

    if (rc == DFF_OK)
        rc = dff_user_reset_password(ctl->db, dff_str_from(ctl->words[0]), password, &ctl->err);
    if (rc == DFF_OK && given)
        printf("password of %s is set; its sign-ins are over\n", ctl->words[0]);
    else if (rc == DFF_OK)
        printf("password of %s is %s (shown only now); its sign-ins are over\n", ctl->words[0],
               password);
    OPENSSL_cleanse(password, sizeof(password));
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}
