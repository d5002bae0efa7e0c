/* The SETTINGS document, the only part of the configuration that reaches the
 * zygote and the workers: no passwords, no SECRET. Runs in the master. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dff_api_fd.h"

#include "master/dff_zygote_proc.h"

#include "dff_banned.h"

static json_t *
dff_settings_custom(const dff_config_t *cfg)
{
    json_t *object = json_object(), *value;
    size_t  i;

    for (i = 0; object != NULL && i < cfg->ncustom; i++) {
        value = json_loads(cfg->custom[i].json, JSON_DECODE_ANY, NULL);
        (void) json_object_set_new(object, cfg->custom[i].key,
                                   value == NULL ? json_null() : value);
    }
    return object;
}

/* "cpu=9,slow=8" -> {"cpu":9,"slow":8}; what is no such pair is left out. */
static json_t *
dff_settings_aliases(const char *map)
{
    json_t     *object = json_object();
    const char *at = map, *equals;
    size_t      len;

    while (object != NULL && *at != '\0') {
        len = strcspn(at, ",; ");
        equals = memchr(at, '=', len);
        if (equals != NULL && equals > at && (size_t) (equals - at) + 2 == len
            && equals[1] >= '0' && equals[1] <= '9') {
            json_t *name = json_stringn(at, (size_t) (equals - at));

            if (name != NULL)
                (void) json_object_set_new(object, json_string_value(name),
                                           json_integer(equals[1] - '0'));
            json_decref(name);
        }
        at += len;
        at += strspn(at, ",; ");
    }
    return object;
}

int
dff_zygote_settings(const dff_config_t *cfg, const char *exe_folder, dff_buf_t *json,
    dff_err_t *err)
{
    dff_buf_t python = DFF_BUF_INIT, services = DFF_BUF_INIT;
    json_t   *doc = NULL;
    char     *text = NULL;
    char      node[DFF_NODE_NAME_MAX + 1];
    int       rc = DFF_ERROR;

    if (dff_node_name(cfg, node, err) != DFF_OK)
        return DFF_ERROR;
    dff_buf_addf(&python, "%s/../python", exe_folder);
    dff_buf_addf(&services, "%s/" DFF_SERVICES_SOCKET, cfg->run_path);
    if (dff_buf_failed(&python) || dff_buf_failed(&services))
        goto done;
    doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:I, s:I, s:I, s:I, s:[I,I], s:[I,I], "
                    "s:o}",
        "node", node,
        "workerUser", cfg->worker_user,
        "pythonPath", python.data,
        "servicesSocket", services.data,
        "resourceRoot", cfg->resource_root_path,
        "resourceRootShared", (int) cfg->resource_root_shared,
        "custom", dff_settings_custom(cfg),
        "threadPoolSize", (json_int_t) cfg->func_thread_pool_size,
        "chainMax", (json_int_t) cfg->func_chain_max,
        "maxTasksPerChild", (json_int_t) cfg->worker_max_tasks_per_child,
        "maxRssMB", (json_int_t) cfg->worker_max_rss_mb,
        "timeoutRange", (json_int_t) cfg->func_min_timeout_s,
        (json_int_t) cfg->func_max_timeout_s,
        "apiTimeoutRange", (json_int_t) cfg->func_min_api_timeout_s,
        (json_int_t) cfg->func_max_api_timeout_s,
        "queueAliases", dff_settings_aliases(cfg->worker_queue_alias_map));
    if (doc == NULL)
        goto done;
    text = json_dumps(doc, JSON_COMPACT);
    if (text == NULL)
        goto done;
    dff_buf_add_str(json, dff_str_from(text));
    if (!dff_buf_failed(json))
        rc = DFF_OK;

done:
    if (rc != DFF_OK)
        (void) dff_err_set(err, DFF_E_SYS, "the zygote's settings cannot be written as JSON "
                           "(a value that is no UTF-8, or no memory)");
    json_decref(doc);
    free(text);
    dff_buf_release(&python);
    dff_buf_release(&services);
    return rc;
}
