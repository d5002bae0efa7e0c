/*
 * The program dff-executor: reads its options and becomes a master, or, started
 * by a master, the zygote, an api process, or the cleaner of files; by an api process, one
 * operation on files.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_version.h"

#include "api/dff_api.h"
#include "files/dff_files.h"
#include "master/dff_clean.h"
#include "master/dff_master.h"
#include "worker/dff_zygote.h"

#include "dff_banned.h"

static const char dff_executor_usage[] =
    "Usage: dff-executor --config FILE [--groups LIST] [--foreground | --daemon] [--check]\n"
    "\n"
    "  --config FILE   user-config.yaml; each key can be overridden as DFF_<KEY>\n"
    "  --groups LIST   serve only these queues, like 1-6 or 0;8-9\n"
    "  --foreground    stay in the foreground, log to stderr, too (default)\n"
    "  --daemon        go to the background once started\n"
    "  --check         check the configuration and exit\n"
    "  --version       print the version\n"
    "\n"
    "Signals: TERM, INT end it when running functions have ended (twice: at once),\n"
    "HUP reads the configuration again, USR1 reopens the log.\n";

enum { OPT_CONFIG = 256, OPT_GROUPS, OPT_FOREGROUND, OPT_DAEMON, OPT_CHECK, OPT_ZYGOTE,
       OPT_API, OPT_CLEAN, OPT_FILES, OPT_VERSION, OPT_HELP };

static const struct option dff_executor_options[] = {
    { "config",     required_argument, NULL, OPT_CONFIG },
    { "groups",     required_argument, NULL, OPT_GROUPS },
    { "foreground", no_argument,       NULL, OPT_FOREGROUND },
    { "daemon",     no_argument,       NULL, OPT_DAEMON },
    { "check",      no_argument,       NULL, OPT_CHECK },
    { "zygote",     required_argument, NULL, OPT_ZYGOTE },
    { "api",        no_argument,       NULL, OPT_API },
    { "clean",      required_argument, NULL, OPT_CLEAN },
    { "files",      no_argument,       NULL, OPT_FILES },
    { "version",    no_argument,       NULL, OPT_VERSION },
    { "help",       no_argument,       NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static int
dff_executor_zygote(const char *text)
{
    char *end;
    long  fd = strtol(text, &end, 10);

    if (end == text || *end != '\0' || fd < 0 || fd > INT_MAX) {
        (void) fprintf(stderr, "dff-executor: --zygote is for the master's use only\n");
        return 2;
    }
    return dff_zygote_main((int) fd);
}

int
main(int argc, char **argv)
{
    dff_master_options_t options = { .config_path = NULL };
    bool                 check = false, api = false;
    int                  opt;

    while ((opt = getopt_long(argc, argv, "", dff_executor_options, NULL)) != -1) {
        switch (opt) {
        case OPT_CONFIG:     options.config_path = optarg; break;
        case OPT_GROUPS:     options.groups = optarg; break;
        case OPT_FOREGROUND: options.daemon = false; break;
        case OPT_DAEMON:     options.daemon = true; break;
        case OPT_CHECK:      check = true; break;
        case OPT_ZYGOTE:     return dff_executor_zygote(optarg);
        case OPT_API:        api = true; break;
        case OPT_CLEAN:      return dff_clean_main(optarg);
        case OPT_FILES:      return dff_files_main(argc - optind, argv + optind);
        case OPT_VERSION:
            (void) printf("dff-executor %s\n", DFF_VERSION);
            return 0;
        case OPT_HELP:
            (void) fputs(dff_executor_usage, stdout);
            return 0;
        default:
            (void) fputs(dff_executor_usage, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        (void) fprintf(stderr, "dff-executor: unexpected argument \"%s\"\n%s", argv[optind],
                       dff_executor_usage);
        return 2;
    }
    if (api)
        return dff_api_main(options.config_path);
    if (options.config_path == NULL) {
        (void) fprintf(stderr, "dff-executor: --config FILE is needed\n%s", dff_executor_usage);
        return 2;
    }
    return check ? dff_master_check(&options) : dff_master_run(&options);
}
