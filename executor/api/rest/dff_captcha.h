/*
 * Captchas: four digits as an image, kept for one attempt. Runs in the api processes.
 */
#ifndef DFF_CAPTCHA_H
#define DFF_CAPTCHA_H

#include "api/http/dff_web.h"

#define DFF_CAPTCHA_EXPIRES_S  300
#define DFF_CAPTCHA_DIGITS     4
#define DFF_CAPTCHA_TOKEN_MAX  128      /* characters */

/* What an image is for. */
#define DFF_CATEGORY_SIGN_IN          "signIn"
#define DFF_CATEGORY_CHANGE_PASSWORD  "changePassword"

/* The properties of a body that may have a captcha. */
#define DFF_CAPTCHA_PROPS \
    { "captchaToken", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = DFF_CAPTCHA_TOKEN_MAX, \
      .about = "Of the image; looked at after three failures" }, \
    { "captcha", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = 16, \
      .about = "Its digits" }

/* GET /api/v1/captcha/do/get */
int dff_captcha_get(dff_web_call_t *call, dff_err_t *err);

/* Is given the text of the image that the category's token got? The image is used up, right
 * or wrong. DFF_E_USER_CAPTCHA: no. */
int dff_captcha_check(dff_web_call_t *call, const char *category, dff_str_t token,
    dff_str_t given, dff_err_t *err);

#endif
