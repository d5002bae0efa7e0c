/*
 * The zygote: the process that starts Python once and forks workers from it, so
 * that a new worker costs a millisecond.
 *
 * Started by the master as `dff-executor --zygote <fd>` with a cleared
 * environment and no descriptor but its control socket and stderr; first frame
 * SETTINGS, then FORK (docs/protocol.md, executor/dff_frame.h). It has no threads,
 * no connections, and no rights beyond those of a worker.
 */
#ifndef DFF_ZYGOTE_H
#define DFF_ZYGOTE_H

/* Runs until the master closes the socket. Returns (or exits with) 0 for that,
 * 1 after an error, which stderr has. */
int dff_zygote_main(int control_fd);

#endif
