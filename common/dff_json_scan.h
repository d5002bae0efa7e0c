/*
 * What reading and escaping of JSON share about the bytes inside strings.
 * Internal to common/.
 */
#ifndef DFF_JSON_SCAN_H
#define DFF_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DFF_JSON_PLAIN = 0,       /* stands for itself inside a string */
    DFF_JSON_QUOTE,
    DFF_JSON_BACKSLASH,
    DFF_JSON_CONTROL,
    DFF_JSON_UTF8             /* 0x80 and above */
};

extern const uint8_t dff_json_class[256];
/* What follows a backslash -> the byte it means; 0: no such escape. */
extern const char dff_json_escapes[256];

/* Length of the UTF-8 character at p (p < end), 0 when there is none. */
size_t dff_json_utf8_len(const char *p, const char *end);

/* Value of four hexadecimal digits, -1 when there are none. */
int dff_json_hex4(const char *p, const char *end);

/* Passes over bytes that stand for themselves, eight at a time while it can. */
static inline const char *
dff_json_skip_plain(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t       word, quote, backslash, special;

    while (end - p >= 8) {
        memcpy(&word, p, sizeof(word));
        quote = word ^ (ones * '"');
        backslash = word ^ (ones * '\\');
        /* "x - 1 has its high bit and x has not": x is 0; likewise below 0x20.
         * A borrow can only mark a byte beside a true mark: no mark is missed. */
        special = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
            | ((backslash - ones) & ~backslash) | word;
        if (special & highs)
            break;
        p += 8;
    }
    while (p < end && dff_json_class[(unsigned char) *p] == DFF_JSON_PLAIN)
        p++;
    return p;
}

#endif
