/*
 * What the texts of settings must look like. Each check returns NULL, or what
 * the text must be. Runs at start and reload.
 */
#include "dff_config_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "dff_crontab.h"
#include "dff_envelope.h"
#include "dff_id.h"
#include "dff_tz.h"

#include "dff_banned.h"

/* The next item of a list: *text moves behind the separator. false at the end. */
static bool
dff_check_item(const char **text, char separator, dff_str_t *item)
{
    const char *end;

    if (*text == NULL)
        return false;
    end = strchr(*text, separator);
    *item = end == NULL ? dff_str_from(*text) : (dff_str_t) { *text, (size_t) (end - *text) };
    *text = end == NULL ? NULL : end + 1;
    return true;
}

static dff_str_t
dff_check_trim(dff_str_t text)
{
    while (text.len > 0 && text.data[0] == ' ')
        text = (dff_str_t) { text.data + 1, text.len - 1 };
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Digits alone, up to max. */
static bool
dff_check_int(dff_str_t text, int max, int *value)
{
    size_t i;
    int    n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        n = n * 10 + (text.data[i] - '0');
        if (n > max)
            return false;
    }
    *value = n;
    return text.len > 0;
}

const char *
dff_check_secret(const char *text)
{
    static const char *const samples[] = {
        "CHANGE-ME", "CHANGE_ME", "CHANGEME", "YOUR-SECRET", "YOUR_SECRET", "<SECRET>",
    };
    size_t i;

    for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        if (strcasestr(text, samples[i]) != NULL)
            return "a secret of your own, not the sample: for example the output of "
                   "\"openssl rand -hex 32\"";
    }
    if (text[0] == '\0') {
        return "set: for example to the output of \"openssl rand -hex 32\", the same on all "
               "nodes";
    }
    return NULL;
}

const char *
dff_check_timezone(const char *text)
{
    dff_tz_t tz;
    int      rc = dff_tz_init(&tz, text, NULL);

    dff_tz_release(&tz);
    return rc == DFF_OK ? NULL : "a zone that /usr/share/zoneinfo has, like Asia/Shanghai or UTC";
}

static bool
dff_check_is_address(const char *text)
{
    struct in6_addr any;

    return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

const char *
dff_check_address(const char *text)
{
    return dff_check_is_address(text) ? NULL : "an IPv4 or IPv6 address";
}

const char *
dff_check_url(const char *text)
{
    size_t scheme = strncmp(text, "http://", 7) == 0 ? 7
        : strncmp(text, "https://", 8) == 0 ? 8 : 0;

    if (text[0] == '\0')
        return NULL;
    if (scheme == 0 || text[scheme] == '\0' || strpbrk(text, " \"<>\\") != NULL)
        return "empty, or begin with http:// or https:// and a host";
    return NULL;
}

static bool
dff_check_is_network(dff_str_t item)
{
    char             address[INET6_ADDRSTRLEN];
    const char      *slash = memchr(item.data, '/', item.len);
    size_t           len = slash == NULL ? item.len : (size_t) (slash - item.data);
    int              bits, most;

    if (len == 0 || len >= sizeof(address))
        return false;
    memcpy(address, item.data, len);
    address[len] = '\0';
    most = strchr(address, ':') == NULL ? 32 : 128;
    if (!dff_check_is_address(address))
        return false;
    return slash == NULL
        || dff_check_int((dff_str_t) { slash + 1, item.len - len - 1 }, most, &bits);
}

const char *
dff_check_networks(const char *text)
{
    dff_str_t item;

    if (text[0] == '\0')
        return NULL;
    while (dff_check_item(&text, ',', &item)) {
        item = dff_check_trim(item);
        if (item.len == 0 || !dff_check_is_network(item))
            return "a list of addresses and networks, like 10.0.0.0/8, fd00::/8";
    }
    return NULL;
}

const char *
dff_check_not_empty(const char *text)
{
    return text[0] == '\0' ? "not empty" : NULL;
}

const char *
dff_check_aliases(const char *text)
{
    dff_str_t   item, name;
    const char *equals;
    int         queue;

    if (text[0] == '\0')
        return NULL;
    while (dff_check_item(&text, ',', &item)) {
        item = dff_check_trim(item);
        equals = item.len == 0 ? NULL : memchr(item.data, '=', item.len);
        if (equals == NULL)
            return "a list of name=queue items, like cpu=9";
        name = dff_check_trim((dff_str_t) { item.data, (size_t) (equals - item.data) });
        item = dff_check_trim((dff_str_t) { equals + 1, item.len - (size_t) (equals - item.data)
            - 1 });
        if (!dff_id_is_link(name) || !dff_check_int(item, DFF_QUEUE_COUNT - 1, &queue))
            return "a list of name=queue items with queues from 0 to 9, like cpu=9";
    }
    return NULL;
}

const char *
dff_check_groups(const char *text)
{
    unsigned masks[DFF_QUEUE_COUNT];

    if (dff_config_worker_groups(text, masks, NULL) > 0)
        return NULL;
    return "groups of queues from 0 to 9, each queue once, like 0;1-6;7;8-9";
}

const char *
dff_check_user(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    if (text[0] == '\0' || text[0] == '-' || text[len] != '\0' || len > 32)
        return "the name of a system user";
    return NULL;
}

const char *
dff_check_node(const char *text)
{
    if (text[0] == '\0' || dff_id_is_link(dff_str_from(text)))
        return NULL;
    return "empty, or 1 to 64 of letters, digits, '.', '_' and '-'";
}

const char *
dff_check_crontab(const char *text)
{
    dff_crontab_t crontab;

    if (text[0] == '\0' || dff_crontab_parse(&crontab, dff_str_from(text)))
        return NULL;
    return "empty, or a crontab line of five fields (minute hour day month weekday)";
}

/* "1-6" or "3" -> bits; 0 when it is neither. */
static unsigned
dff_config_queue_bits(dff_str_t item)
{
    const char *dash = item.len == 0 ? NULL : memchr(item.data, '-', item.len);
    size_t      len = dash == NULL ? item.len : (size_t) (dash - item.data);
    int         first, last;

    if (!dff_check_int(dff_check_trim((dff_str_t) { item.data, len }), DFF_QUEUE_COUNT - 1,
            &first))
    {
        return 0;
    }
    last = first;
    if (dash != NULL && !dff_check_int(dff_check_trim((dff_str_t) { dash + 1,
            item.len - len - 1 }), DFF_QUEUE_COUNT - 1, &last))
    {
        return 0;
    }
    return last < first ? 0 : (2u << last) - (1u << first);
}

int
dff_config_worker_groups(const char *text, unsigned masks[10], dff_err_t *err)
{
    char        group_text[128];
    const char *at;
    unsigned    all = 0, bits;
    dff_str_t   group, item;
    int         count = 0;

    while (dff_check_item(&text, ';', &group)) {
        if (count == DFF_QUEUE_COUNT || group.len >= sizeof(group_text)) {
            return dff_err_set(err, DFF_E_SYS, "worker groups: at most %d, of up to %zu bytes",
                DFF_QUEUE_COUNT, sizeof(group_text) - 1);
        }
        memcpy(group_text, group.data, group.len);
        group_text[group.len] = '\0';
        masks[count] = 0;
        at = group_text;
        while (dff_check_item(&at, ',', &item)) {
            bits = dff_config_queue_bits(dff_check_trim(item));
            if (bits == 0) {
                return dff_err_set(err, DFF_E_SYS, "worker groups: \"%.*s\" is no queue from 0 "
                    "to 9 and no range of them", (int) item.len, item.data);
            }
            if (all & bits) {
                return dff_err_set(err, DFF_E_SYS, "worker groups: \"%.*s\" names a queue a "
                    "second time", (int) item.len, item.data);
            }
            all |= bits;
            masks[count] |= bits;
        }
        count++;
    }
    return count;
}
