/*
 * What a JSON body must look like, as tables: the check of a request and the schemas of the
 * OpenAPI document follow the same rows. Unknown keys, keys that stand there twice, wrong
 * types and lengths are refused with the place ("data.users[2].name"). What a route answers
 * is told in the same way, for the document; nothing checks it at run time.
 *
 * A property may be of several operations (add, modify, …), so that an entity has one table
 * for all its bodies; a shape picks the properties of one operation. Pure code.
 */
#ifndef DFF_SHAPE_H
#define DFF_SHAPE_H

#include "dff_err.h"
#include "dff_json.h"
#include "dff_member.h"

typedef enum {
    DFF_PROP_STR,       /* min to max characters; without NUL */
    DFF_PROP_INT,       /* min to max */
    DFF_PROP_NUMBER,
    DFF_PROP_BOOL,
    DFF_PROP_TIME,      /* ISO 8601, 1970 to 2037 */
    DFF_PROP_STRS,      /* min to max strings, each of names when there are some */
    DFF_PROP_FREE,      /* an object of any content; null is {} */
    DFF_PROP_ANY,
    DFF_PROP_OBJECT,    /* of shape */
    DFF_PROP_OBJECTS,   /* min to max objects of shape */

    /* Of answers; no body has one. */
    DFF_PROP_NULL,
    DFF_PROP_LIST,      /* min to max values like of */
    DFF_PROP_MAP,       /* an object of any names with values like of */
    DFF_PROP_EITHER,    /* one of the properties of shape, whose names do not matter */
    DFF_PROP_ROWS       /* rows of entity, as its list has them */
} dff_prop_type_t;

/* Operations, as bits. A body that is of one route only has DFF_OP_BODY. */
#define DFF_OP_BODY      0x01u
#define DFF_OP_ADD       0x02u
#define DFF_OP_ADD_MANY  0x04u
#define DFF_OP_MODIFY    0x08u
#define DFF_OP_MANY      0x10u      /* modify-many */
#define DFF_OP_ANSWER    0x20u
#define DFF_OP_ADDS      (DFF_OP_ADD | DFF_OP_ADD_MANY)
#define DFF_OP_WRITES    (DFF_OP_ADDS | DFF_OP_MODIFY | DFF_OP_MANY)
#define DFF_OP_ALL       0xffu

typedef struct dff_shape_s dff_shape_t;
typedef struct dff_prop_s dff_prop_t;

struct dff_entity_s;

struct dff_prop_s {
    const char        *name;
    dff_prop_type_t    type;
    unsigned           ops;         /* that know it */
    unsigned           required;    /* that need it */
    bool               nullable;
    int64_t            min, max;    /* max 0: DFF_SHAPE_TEXT_MAX, or no limit */
    const char *const *names;       /* allowed values, ends with NULL; NULL: any */
    const dff_shape_t *shape;
    bool             (*check)(dff_str_t text);      /* STR; NULL: none */
    const char        *expects;     /* what check wants, for messages and as documentation */
    const char        *about;
    const dff_prop_t  *of;          /* of LIST and MAP; NULL: any value */
    const struct dff_entity_s *entity;
};

struct dff_shape_s {
    const void *props;      /* of dff_prop_t, or of records that begin with one */
    size_t      count, stride;
    unsigned    op;
};

#define DFF_SHAPE(props_)  { (props_), sizeof(props_) / sizeof((props_)[0]), \
                             sizeof((props_)[0]), DFF_OP_ALL }
#define DFF_SHAPE_OP(props_, op_)  { (props_), sizeof(props_) / sizeof((props_)[0]), \
                                     sizeof((props_)[0]), (op_) }

/* A member of an answer that is always there, one that is not: name, type, more. */
#define DFF_ANSWERED(name_, ...) \
    { .name = (name_), .ops = DFF_OP_ANSWER, .required = DFF_OP_ANSWER, .type = __VA_ARGS__ }
#define DFF_ANSWERED_MAYBE(name_, ...) \
    { .name = (name_), .ops = DFF_OP_ANSWER, .type = __VA_ARGS__ }
/* The answer NAME: an object, or a list of objects, with the members of a table. */
#define DFF_ANSWER(name_, members, ...) \
    static const dff_shape_t name_##_shape = DFF_SHAPE(members); \
    static const dff_prop_t name_ = { .type = __VA_ARGS__, .shape = &name_##_shape }

#define DFF_SHAPE_PROPS_MAX  64
#define DFF_SHAPE_TEXT_MAX   (50 << 20)

static inline const dff_prop_t *
dff_shape_prop(const dff_shape_t *shape, size_t i)
{
    return (const dff_prop_t *) (const void *) ((const char *) shape->props + i * shape->stride);
}

/* text: any JSON that dff_json_check() has accepted. DFF_E_CLIENT_BAD_REQUEST: err says
 * which field and what is wanted. */
int dff_shape_check(const dff_shape_t *shape, dff_str_t text, dff_err_t *err);

/* Number of characters of UTF-8. */
size_t dff_text_characters(dff_str_t text);

#endif
