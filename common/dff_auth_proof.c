/*
 * Proofs of the secrets of API auths. Runs in dffctl, the api processes and nginx.
 */
#include "dff_auth_proof.h"

#include <stdio.h>

#include "dff_banned.h"

static const char *const dff_auth_types[] = {
    [DFF_AUTH_FIXED_FIELD] = "fixedField", [DFF_AUTH_HTTP_BASIC] = "httpBasic",
    [DFF_AUTH_HTTP_DIGEST] = "httpDigest", [DFF_AUTH_FUNC] = "func",
};

static const char *const dff_auth_locations[] = {
    [DFF_AUTH_HEADER] = "header", [DFF_AUTH_QUERY] = "query", [DFF_AUTH_BODY] = "body",
};

static const char *const dff_auth_realms[] = {
    [DFF_ROUTE_AUTH_LINK] = "AuthLink", [DFF_ROUTE_BATCH] = "Batch",
};

#define DFF_AUTH_COUNT(names)  (sizeof(names) / sizeof((names)[0]))

_Static_assert(DFF_AUTH_COUNT(dff_auth_types) == DFF_AUTH_TYPE_COUNT, "a name for each type");
_Static_assert(DFF_AUTH_COUNT(dff_auth_locations) == DFF_AUTH_LOCATION_COUNT,
    "a name for each location");
_Static_assert(DFF_AUTH_COUNT(dff_auth_realms) == DFF_ROUTE_KIND_COUNT, "a realm for each kind");

static int
dff_auth_find(const char *const *names, size_t count, dff_str_t text)
{
    for (size_t i = 0; i < count; i++) {
        if (dff_str_eq(dff_str_from(names[i]), text))
            return (int) i;
    }
    return -1;
}

const char *
dff_auth_type_name(dff_auth_type_t type)
{
    return (unsigned) type < DFF_AUTH_TYPE_COUNT ? dff_auth_types[type] : "unknown";
}

const char *
dff_auth_location_name(dff_auth_location_t location)
{
    return (unsigned) location < DFF_AUTH_LOCATION_COUNT ? dff_auth_locations[location]
                                                         : "unknown";
}

int
dff_auth_type_from(dff_str_t text)
{
    return dff_auth_find(dff_auth_types, DFF_AUTH_TYPE_COUNT, text);
}

int
dff_auth_location_from(dff_str_t text)
{
    return dff_auth_find(dff_auth_locations, DFF_AUTH_LOCATION_COUNT, text);
}

size_t
dff_auth_realm(char out[DFF_AUTH_REALM_SIZE], dff_route_kind_t kind, dff_str_t link_id)
{
    int len = snprintf(out, DFF_AUTH_REALM_SIZE, "%s:%.*s", dff_auth_realms[kind],
        (int) (link_id.len > 64 ? 64 : link_id.len), link_id.data);

    return len < 0 ? 0 : (size_t) len;
}

int
dff_auth_a1(char out[DFF_DIGEST_SIZE_MAX], dff_digest_t kind, dff_str_t username,
    dff_str_t realm, dff_str_t password, dff_err_t *err)
{
    const dff_str_t parts[] = { username, realm, password };

    return dff_digest_joined(out, kind, parts, 3, err);
}

int
dff_auth_response(char out[DFF_DIGEST_SIZE_MAX], dff_str_t a1,
    const dff_http_digest_t *digest, dff_str_t method, dff_err_t *err)
{
    const dff_str_t request[] = { method, digest->uri };
    char            a2[DFF_DIGEST_SIZE_MAX];
    dff_str_t       parts[] = {
        a1, digest->nonce, digest->nc_text, digest->cnonce, DFF_STR("auth"), DFF_STR_NULL
    };

    if (dff_digest_joined(a2, digest->algorithm, request, 2, err) != DFF_OK)
        return DFF_ERROR;
    parts[5] = dff_str_from(a2);
    return dff_digest_joined(out, digest->algorithm, parts, 6, err);
}

int
dff_auth_field_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, dff_err_t *err)
{
    return dff_mac_key(key, secret, "value of a fixedField API auth", err);
}

int
dff_auth_field(char out[DFF_MAC_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    dff_str_t auth_id, dff_str_t value, dff_err_t *err)
{
    const dff_str_t parts[] = { auth_id, value };

    return dff_mac_text(out, key, parts, 2, err);
}
