/*
 * Records of tasks from the master's side (common/dff_record.h): how a job ended goes with
 * its answer, in the same script; that one runs is told of those that run for more than a
 * second only. Jobs that leave no records cost one comparison. Runs in the master.
 */
#ifndef DFF_TASK_RECORD_H
#define DFF_TASK_RECORD_H

#include "dff_record.h"

#include "master/dff_outbox.h"

#define DFF_TASK_RECORD_REPLY_MAX  (8u << 20)   /* a larger result is not kept in MySQL */
#define DFF_TASK_RECORD_RUNNING_MS  1000

/* The record of an answer, allocated; data NULL: it leaves none (or there is no memory). */
dff_str_t dff_task_record_of_answer(dff_master_t *master, const dff_answer_conf_t *conf);
/* Every second: tells which jobs have begun to run. */
void dff_task_record_tick(dff_master_t *master);

#endif
