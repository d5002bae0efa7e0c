/* Crontab lines: see the header. */
#include "dff_crontab.h"

#include <string.h>

#include "dff_banned.h"

typedef struct {
    int    low, high;
    size_t offset;
} dff_crontab_field_t;

static const dff_crontab_field_t dff_crontab_fields[] = {
    { 0, 59, offsetof(dff_crontab_t, minutes) },
    { 0, 23, offsetof(dff_crontab_t, hours) },
    { 1, 31, offsetof(dff_crontab_t, days) },
    { 1, 12, offsetof(dff_crontab_t, months) },
    { 0, 7, offsetof(dff_crontab_t, weekdays) },
};

#define DFF_CRONTAB_FIELDS  (sizeof(dff_crontab_fields) / sizeof(dff_crontab_fields[0]))

/* Takes what is in front of the separator; the rest is behind it. false: there is none, and
 * all of the text is taken. */
static bool
dff_crontab_cut(dff_str_t *text, char separator, dff_str_t *taken)
{
    const char *at = text->len == 0 ? NULL : memchr(text->data, separator, text->len);
    size_t      len = at == NULL ? text->len : (size_t) (at - text->data);

    *taken = (dff_str_t) { text->data, len };
    *text = at == NULL ? (dff_str_t) { dff_str_end(*text), 0 }
        : (dff_str_t) { at + 1, text->len - len - 1 };
    return at != NULL;
}

/* Digits alone, from low to high (at most 100). */
static bool
dff_crontab_int(dff_str_t text, int low, int high, int *value)
{
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *value = *value * 10 + (text.data[i] - '0');
        if (*value > high)
            return false;
    }
    return text.len > 0 && *value >= low;
}

/* Star, or n, or n-m, and an optional step. */
static bool
dff_crontab_item(dff_str_t item, const dff_crontab_field_t *field, uint64_t *bits)
{
    dff_str_t range, begin;
    int       first = field->low, last = field->high, step = 1;
    bool      stepped = dff_crontab_cut(&item, '/', &range);

    if (stepped && !dff_crontab_int(item, 1, field->high + 1, &step))
        return false;
    if (!dff_str_eq(range, DFF_STR("*"))) {
        bool to = dff_crontab_cut(&range, '-', &begin);

        if (!dff_crontab_int(begin, field->low, field->high, &first)
            || (to && !dff_crontab_int(range, first, field->high, &last)))
            return false;
        if (!to && !stepped)
            last = first;
    }
    for (; first <= last; first += step)
        *bits |= UINT64_C(1) << first;
    return true;
}

static bool
dff_crontab_field(dff_str_t text, const dff_crontab_field_t *field, uint64_t *bits)
{
    dff_str_t item;
    bool      more;

    *bits = 0;
    do {
        more = dff_crontab_cut(&text, ',', &item);
        if (!dff_crontab_item(item, field, bits))
            return false;
    } while (more);
    return true;
}

static bool
dff_crontab_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line, empty at its end. */
static dff_str_t
dff_crontab_word(dff_str_t *text)
{
    dff_str_t word;

    while (text->len > 0 && dff_crontab_is_blank(text->data[0]))
        *text = (dff_str_t) { text->data + 1, text->len - 1 };
    word = (dff_str_t) { text->data, 0 };
    while (text->len > 0 && !dff_crontab_is_blank(text->data[0])) {
        *text = (dff_str_t) { text->data + 1, text->len - 1 };
        word.len++;
    }
    return word;
}

bool
dff_crontab_parse(dff_crontab_t *crontab, dff_str_t text)
{
    dff_str_t words[DFF_CRONTAB_FIELDS];

    *crontab = (dff_crontab_t) { 0 };
    for (size_t i = 0; i < DFF_CRONTAB_FIELDS; i++) {
        const dff_crontab_field_t *field = &dff_crontab_fields[i];

        words[i] = dff_crontab_word(&text);
        if (!dff_crontab_field(words[i], field,
                               (uint64_t *) (void *) ((char *) crontab + field->offset)))
            return false;
    }
    crontab->any_day = words[2].data[0] == '*';
    crontab->any_weekday = words[4].data[0] == '*';
    return dff_crontab_word(&text).len == 0;
}

bool
dff_crontab_is_due(const dff_crontab_t *crontab, const dff_time_civil_t *time)
{
    bool day = crontab->days >> time->day & 1;
    bool weekday = (crontab->weekdays >> time->weekday & 1)
        || (time->weekday == 0 && (crontab->weekdays >> 7 & 1));

    return (crontab->minutes >> time->minute & 1) && (crontab->hours >> time->hour & 1)
        && (crontab->months >> time->month & 1)
        && (crontab->any_day || crontab->any_weekday ? day && weekday : day || weekday);
}

int64_t
dff_crontab_last(const dff_crontab_t *crontab, const dff_tz_t *tz, int64_t minute, int back)
{
    dff_time_civil_t time;

    for (int64_t at = minute; at >= minute - back; at--) {
        dff_time_split(at * 60 + dff_tz_offset(tz, at * 60), &time);
        if (dff_crontab_is_due(crontab, &time))
            return at;
    }
    return -1;
}
