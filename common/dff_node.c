/* The name of this node: see the header. */
#include "dff_node.h"

#include <errno.h>
#include <unistd.h>

#include "dff_id.h"

#include "dff_banned.h"

int
dff_node_name(const dff_config_t *cfg, char out[DFF_NODE_NAME_MAX + 1], dff_err_t *err)
{
    char        host[256] = "";
    const char *name = cfg->node_name;
    size_t      len;

    if (name[0] == '\0') {
        if (gethostname(host, sizeof(host) - 1) != 0)
            return dff_err_set(err, DFF_E_SYS, "gethostname: %s", strerror(errno));
        name = host;
    }
    len = strlen(name);
    if (!dff_id_is_link((dff_str_t) { name, len })) {
        return dff_err_set(err, DFF_E_SYS, "the %s \"%s\" is no node name (letters, digits, '.', "
                           "'_', '-', up to %d)%s", name == host ? "host name" : "_NODE_NAME",
                           name, DFF_NODE_NAME_MAX, name == host ? "; set _NODE_NAME" : "");
    }
    memcpy(out, name, len + 1);
    return DFF_OK;
}
