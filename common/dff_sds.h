/*
 * The strings of hiredis, of which its output buffer is one, under names of ours: from
 * hiredis 1.1 on its functions are hi_sds…, before that sds… (auto/features finds out).
 * Only what concerns a buffer of hiredis: for text of ours there is dff_buf.h.
 */
#ifndef DFF_SDS_H
#define DFF_SDS_H

#include <hiredis/sds.h>

#include "dff_auto.h"

#ifdef HAVE_HIREDIS_HI_SDS
#define DFF_SDS_NAME(name)  hi_sds ## name
#else
#define DFF_SDS_NAME(name)  sds ## name
#endif

#define dff_sds_len      DFF_SDS_NAME(len)          /* bytes that are in it */
#define dff_sds_alloc    DFF_SDS_NAME(alloc)        /* that have room in it */
#define dff_sds_set_len  DFF_SDS_NAME(setlen)
#define dff_sds_empty    DFF_SDS_NAME(empty)        /* NULL: no memory */
#define dff_sds_cat      DFF_SDS_NAME(catlen)
#define dff_sds_free     DFF_SDS_NAME(free)

#endif
