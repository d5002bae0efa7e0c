/* The configuration file: common/dff_config*.c. */
#include "dff_config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dff_json.h"
#include "fuzz.h"

static void
on_finding(void *ctx, dff_config_severity_t severity, const char *text)
{
    (void) ctx;
    (void) severity;
    FUZZ_MUST(text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int   fd = -1;
    static char  path[64];
    dff_config_t config;
    dff_err_t    err;
    unsigned     masks[10];
    size_t       i;

    if (fd < 0) {
        fd = memfd_create("config", 0);
        FUZZ_MUST(fd >= 0);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    FUZZ_MUST(ftruncate(fd, 0) == 0);
    FUZZ_MUST(pwrite(fd, data, size, 0) == (ssize_t) size);

    if (dff_config_load(&config, path, on_finding, NULL, &err) != DFF_OK) {
        FUZZ_MUST(err.message[0] != '\0');
        return 0;
    }
    FUZZ_MUST(config.web_port >= 1 && config.web_port <= 65535);
    FUZZ_MUST(dff_config_worker_groups(config.worker_groups, masks, NULL) > 0);
    for (i = 0; i < config.ncustom; i++) {
        FUZZ_MUST(dff_json_check(dff_str_from(config.custom[i].json), NULL, NULL, NULL)
            == DFF_OK);
    }
    dff_config_release(&config);
    return 0;
}
