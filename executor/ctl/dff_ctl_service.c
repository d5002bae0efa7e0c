/*
 * dffctl start|stop|restart|reload: the script beside the program does it.
 */
#include "ctl/dff_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_CTL_SERVICE  "dff-service"


int
dff_ctl_service(dff_ctl_t *ctl)
{
    char   path[PATH_MAX + sizeof(DFF_CTL_SERVICE) + 1];
    char **words;

    (void) snprintf(path, sizeof(path), "%s/" DFF_CTL_SERVICE, ctl->exe_dir);
    words = calloc((size_t) ctl->rest_count + 3, sizeof(*words));
    if (words == NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    words[0] = path;
    words[1] = (char *) (uintptr_t) ctl->command->name;     /* exec does not write to it */
    for (int i = 0; i < ctl->rest_count; i++) {
        words[i + 2] = ctl->rest[i];
    }

    if (setenv("DFF_CONFIG", ctl->config_path, 1) == 0) {
        (void) execv(path, words);      /* returns only when it failed */
    }
    free(words);
    return dff_ctl_fail_with(ctl, DFF_E_SYS, "%s: %s", path, strerror(errno));
}
