/* Headers of our own: see the header. */
#include "dff_own_header.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "dff_banned.h"

/* "X-": everything that begins so. */
static const char *const dff_own_headers[] = {
    /* a length or coding that is not the body's lets what follows be read as another answer */
    "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "TE",
    "Trailer", "Upgrade",

    /* X-Accel-Redirect would let a script choose among the internal locations of that nginx */
    "X-Accel-",

    "X-Trace-Id", "X-Request-Time", "X-Response-Time", "X-Request-Cost", "X-Dff-Task-Id",
    "X-Dataflux-Func-Cache", "X-Content-Type-Options",

    /* WEB_CORS_ORIGIN, WEB_CORS_CREDENTIALS; and a browser refuses two of them */
    "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
};


bool
dff_own_header(const char *name)
{
    for (size_t i = 0; i < sizeof(dff_own_headers) / sizeof(dff_own_headers[0]); i++) {
        const char *own = dff_own_headers[i];
        size_t      len = strlen(own);

        if (strncasecmp(name, own, len) == 0 && (name[len] == '\0' || own[len - 1] == '-'))
            return true;
    }
    return false;
}
