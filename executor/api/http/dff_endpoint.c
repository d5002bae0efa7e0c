/* Finding the route of a request: see the header. */
#include "api/http/dff_endpoint.h"

#include "dff_banned.h"


/* 0: no match. Else the greater of two is the better: literal segments count more the
 * further in front they are. */
static unsigned
dff_endpoint_match(const char *pattern, const dff_web_request_t *request, dff_str_t *params)
{
    unsigned    score = 1;
    size_t      nparams = 0, i = 0;
    const char *at = pattern;

    while (*at == '/') {
        const char *begin = ++at;
        size_t      len = strcspn(at, "/");

        at += len;
        if (len == 1 && *begin == '*') {
            return i <= request->nsegments ? score : 0;     /* the handler takes the rest */
        }
        if (i == request->nsegments) {
            return 0;
        }
        score <<= 1;
        if (*begin == ':') {
            if (request->segments[i].len == 0) {
                return 0;
            }
            params[nparams++] = request->segments[i];
        } else if (dff_str_eq(request->segments[i], (dff_str_t) { begin, len })) {
            score |= 1;
        } else {
            return 0;
        }
        i++;
    }
    return i == request->nsegments ? score : 0;
}


const dff_endpoint_t *
dff_endpoint_find(const dff_web_request_t *request, dff_str_t *params, unsigned *allowed)
{
    const dff_endpoint_t *found = NULL, *row;
    unsigned              best = 0, score;
    dff_str_t             trial[8] = { 0 };

    *allowed = 0;
    for (size_t i = 0; (row = dff_endpoint_at(i)) != NULL; i++) {
        score = dff_endpoint_match(row->pattern, request, trial);
        if (score == 0) {
            continue;
        }
        *allowed |= row->methods;
        if ((row->methods & request->method) != 0 && score > best) {
            best = score;
            found = row;
        }
    }
    if (found != NULL) {
        (void) dff_endpoint_match(found->pattern, request, params);
    }
    return found;
}
