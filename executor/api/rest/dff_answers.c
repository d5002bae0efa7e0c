/* What several routes answer with: see the header. */
#include "api/rest/dff_answers.h"

#include "dff_banned.h"

const dff_prop_t dff_answer_null = { .type = DFF_PROP_NULL };

static const dff_prop_t dff_answer_id_props[] = {
    DFF_ANSWERED("id", DFF_PROP_STR),
    DFF_ANSWERED_MAYBE("url", DFF_PROP_STR,
                       .about = "Of auth links and batches that were added or modified"),
};
static const dff_shape_t dff_answer_id_shape = DFF_SHAPE(dff_answer_id_props);
const dff_prop_t         dff_answer_id = {
    .type = DFF_PROP_OBJECT, .shape = &dff_answer_id_shape
};

static const dff_prop_t  dff_answer_ids_props[] = { DFF_ANSWERED("ids", DFF_PROP_STRS) };
static const dff_shape_t dff_answer_ids_shape = DFF_SHAPE(dff_answer_ids_props);
const dff_prop_t         dff_answer_ids = {
    .type = DFF_PROP_OBJECT, .shape = &dff_answer_ids_shape
};

static const dff_prop_t dff_answer_sign_in_props[] = {
    DFF_ANSWERED("userId", DFF_PROP_STR),
    DFF_ANSWERED("xAuthToken", DFF_PROP_STR, .about = "For the header X-Dff-Auth-Token"),
};
static const dff_shape_t dff_answer_sign_in_shape = DFF_SHAPE(dff_answer_sign_in_props);
const dff_prop_t         dff_answer_sign_in = {
    .type = DFF_PROP_OBJECT, .shape = &dff_answer_sign_in_shape
};

static const dff_prop_t dff_answer_image_props[] = {
    DFF_ANSWERED("CREATE_TIMESTAMP", DFF_PROP_INT, .about = "Unix seconds; 0: not known"),
    DFF_ANSWERED("CI_COMMIT_REF_NAME", DFF_PROP_STR, .about = "The version"),
    DFF_ANSWERED("PLATFORM", DFF_PROP_STR), DFF_ANSWERED("CI_PIPELINE_ID", DFF_PROP_STR),
    DFF_ANSWERED("CI_JOB_ID", DFF_PROP_STR), DFF_ANSWERED("CI_BUILD_ID", DFF_PROP_STR),
};
static const dff_shape_t dff_answer_image_shape = DFF_SHAPE(dff_answer_image_props);
const dff_prop_t         dff_answer_image = {
    .type = DFF_PROP_OBJECT, .shape = &dff_answer_image_shape
};

static const dff_prop_t dff_answer_argument = {
    .type = DFF_PROP_MAP, .about = "Its default, if it has one"
};
static const dff_prop_t dff_answer_func_props[] = {
    DFF_ANSWERED("name", DFF_PROP_STR), DFF_ANSWERED("title", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("description", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("definition", DFF_PROP_STR),
    DFF_ANSWERED("extraConfig", DFF_PROP_MAP, .nullable = true),
    DFF_ANSWERED("category", DFF_PROP_STR), DFF_ANSWERED("tags", DFF_PROP_STRS),
    DFF_ANSWERED("args", DFF_PROP_STRS, .about = "Names, in their order"),
    DFF_ANSWERED("kwargs", DFF_PROP_MAP, .of = &dff_answer_argument),
    DFF_ANSWERED("integration", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("defOrder", DFF_PROP_INT, .about = "Its place in the script, from 0 on"),
};
const dff_shape_t dff_answer_func = DFF_SHAPE(dff_answer_func_props);
