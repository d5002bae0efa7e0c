/*
 * dffctl config check|show|document.
 */
#include "ctl/dff_ctl.h"

#include <string.h>

#include "store/dff_migrate.h"

#include "dff_banned.h"

typedef struct {
    unsigned warnings, errors;
} dff_ctl_findings_t;


static void
dff_ctl_config_finding(void *ctx, dff_config_severity_t severity, const char *text)
{
    dff_ctl_findings_t *findings = ctx;

    if (severity == DFF_CONFIG_ERROR) {
        findings->errors++;
    } else {
        findings->warnings++;
    }
    printf("%-8s %s\n", severity == DFF_CONFIG_ERROR ? "error" : "warning", text);
}


/* One line for a store: "MySQL    ok, 10.11.6" or what is wrong. */
static bool
dff_ctl_config_store(const char *name, int rc, const char *version, const dff_err_t *err)
{
    if (rc == DFF_OK) {
        printf("%-8s ok, version %s\n", name, version);
        return true;
    }
    printf("%-8s error: %s\n", name, err->message);
    return false;
}


int
dff_ctl_config_check(dff_ctl_t *ctl)
{
    dff_ctl_findings_t findings = { 0 };
    dff_db_t          *db;
    dff_rcmd_t        *rcmd;
    bool               good;
    int                rc;

    if (dff_config_load(&ctl->cfg, ctl->config_path, dff_ctl_config_finding, &findings,
                        &ctl->err) != DFF_OK)
    {
        if (findings.errors == 0) {
            return dff_ctl_fail(ctl);       /* no file, or bad YAML */
        }
        printf("%s: %u errors, %u warnings\n", ctl->config_path, findings.errors,
               findings.warnings);
        return DFF_CTL_FAILED;
    }
    printf("%-8s ok, %u warnings: %s\n", "file", findings.warnings, ctl->config_path);

    db = dff_db_new(&ctl->cfg, 10);
    rcmd = dff_rcmd_new(&ctl->cfg);
    if (db == NULL || rcmd == NULL) {
        good = false;
        (void) dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    } else {
        rc = dff_rcmd_connect(rcmd, &ctl->err);
        good = dff_ctl_config_store("Redis", rc, dff_rcmd_server_version(rcmd), &ctl->err);
        rc = dff_migrate_check_server(db, &ctl->err);
        good = dff_ctl_config_store("MySQL", rc, dff_db_server_version(db), &ctl->err) && good;
    }

    dff_db_free(db);
    dff_rcmd_free(rcmd);
    dff_config_release(&ctl->cfg);
    return good ? DFF_CTL_OK : DFF_CTL_FAILED;
}


int
dff_ctl_config_show(dff_ctl_t *ctl)
{
    dff_config_show(&ctl->cfg, stdout);
    return DFF_CTL_OK;
}


int
dff_ctl_config_document(dff_ctl_t *ctl)
{
    (void) ctl;
    dff_config_document(stdout);
    return DFF_CTL_OK;
}
