/*
 * What a call of the management API works on packages with. Runs in the api processes.
 */
#ifndef DFF_PACKAGE_CALL_H
#define DFF_PACKAGE_CALL_H

#include "api/http/dff_web.h"
#include "store/dff_package_table.h"

dff_package_work_t dff_package_work(dff_web_call_t *call);

#endif
