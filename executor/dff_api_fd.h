/*
 * What the master and the api processes agree on: `dff-executor --api` is started with
 * these descriptors. The two sockets listen; the master keeps them, so that callers
 * wait and are not refused while an api process is replaced.
 *
 * On the control socket an api process says DFF_API_READY once, when it serves; the
 * master says nothing and closes it when the process shall end. So it ends, too, when
 * the master dies.
 */
#ifndef DFF_API_FD_H
#define DFF_API_FD_H

enum { DFF_API_FD_SCGI = 3, DFF_API_FD_SERVICES = 4, DFF_API_FD_CONTROL = 5 };

#define DFF_API_READY     'R'

/* Below _RUN_PATH. */
#define DFF_API_SOCKET       "api.sock"
#define DFF_SERVICES_SOCKET  "services.sock"

#endif
