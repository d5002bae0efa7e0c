/* All routes of the management API: the groups of dff_routes.h, one for each noun. */
#include "api/rest/dff_routes.h"

#include "dff_banned.h"

static const dff_endpoint_group_t *const dff_endpoint_groups[] = {
    &dff_access_key_routes,
    &dff_api_auth_routes,
    &dff_env_routes,
    &dff_file_service_routes,
    &dff_func_cache_routes,
    &dff_func_result_routes,
    &dff_func_routes,
    &dff_func_store_routes,
    &dff_func_sign_in_routes,
    &dff_link_routes,
    &dff_log_routes,
    &dff_monitor_node_routes,
    &dff_monitor_stat_routes,
    &dff_monitor_task_routes,
    &dff_operation_routes,
    &dff_package_routes,
    &dff_source_routes,
    &dff_openapi_routes,
    &dff_overview_routes,
    &dff_public_routes,
    &dff_recover_routes,
    &dff_python_routes,
    &dff_resource_routes,
    &dff_script_routes,
    &dff_script_set_routes,
    &dff_sign_in_routes,
    &dff_system_config_routes,
    &dff_system_log_routes,
    &dff_user_routes,
};


const dff_endpoint_t *
dff_endpoint_at(size_t i)
{
    for (size_t g = 0; g < sizeof(dff_endpoint_groups) / sizeof(dff_endpoint_groups[0]); g++) {
        if (i < dff_endpoint_groups[g]->count) {
            return &dff_endpoint_groups[g]->rows[i];
        }
        i -= dff_endpoint_groups[g]->count;
    }
    return NULL;
}
