/* Patterns: see the header. */
#include "api/dff_glob.h"

#include "dff_banned.h"

/* Bytes of the UTF-8 character at text, at least 1. */
static size_t
dff_glob_step(dff_str_t text, size_t at)
{
    size_t len = 1;

    while (at + len < text.len && ((unsigned char) text.data[at + len] & 0xc0) == 0x80)
        len++;
    return len;
}

/* The set that begins behind a '[' at *at, which moves behind its ']' (a pattern that ends
 * before is closed there). Sets are of bytes. */
static bool
dff_glob_in_set(dff_str_t pattern, size_t *at, unsigned char c)
{
    size_t i = *at;
    bool   inverted = i < pattern.len && pattern.data[i] == '^', found = false;

    i += inverted;
    while (i < pattern.len && pattern.data[i] != ']') {
        unsigned char low, high;

        i += pattern.data[i] == '\\' && i + 1 < pattern.len;
        low = high = (unsigned char) pattern.data[i++];
        if (i + 1 < pattern.len && pattern.data[i] == '-' && pattern.data[i + 1] != ']') {
            high = (unsigned char) pattern.data[i + 1];
            i += 2;
        }
        found = found || (c >= low && c <= high);
    }
    *at = i + (i < pattern.len);
    return found != inverted;
}

/* One element of the pattern that is no '*' against the text at *at. */
static bool
dff_glob_one(dff_str_t pattern, size_t *element, dff_str_t text, size_t *at)
{
    char c = pattern.data[(*element)++];

    if (c == '?') {
        *at += dff_glob_step(text, *at);
        return true;
    }
    if (c == '[')
        return dff_glob_in_set(pattern, element, (unsigned char) text.data[(*at)++]);
    if (c == '\\' && *element < pattern.len)
        c = pattern.data[(*element)++];
    return c == text.data[(*at)++];
}

bool
dff_glob_match(dff_str_t pattern, dff_str_t text)
{
    size_t p = 0, t = 0, star = (size_t) -1, mark = 0, try_p, try_t;

    /* Only the last '*' is ever tried again: what stands before it has its first place. */
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = ++p;
            mark = t;
            continue;
        }
        try_p = p;
        try_t = t;
        if (p < pattern.len && dff_glob_one(pattern, &try_p, text, &try_t)) {
            p = try_p;
            t = try_t;
            continue;
        }
        if (star == (size_t) -1)
            return false;
        p = star;
        t = ++mark;
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}
