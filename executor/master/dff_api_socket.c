/* The listening sockets of the api processes. Runs in the master. */
#include "dff_api_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dff_api_fd.h"

#include "dff_banned.h"

#define DFF_API_BACKLOG   511
#define DFF_API_FD_MIN    16      /* above the numbers that a child gets them as */

static int
dff_api_socket_address(struct sockaddr_un *address, const dff_config_t *cfg, const char *name,
    dff_err_t *err)
{
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if ((size_t) snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", cfg->run_path,
                          name) >= sizeof(address->sun_path))
        return dff_err_set(err, DFF_E_SYS, "_RUN_PATH %.128s: too long for a socket (%zu bytes "
                           "with its name)", cfg->run_path, sizeof(address->sun_path) - 1);
    return DFF_OK;
}

/* Nobody but us may connect until owner and mode are right. */
static int
dff_api_socket_bind(int fd, const struct sockaddr_un *address, gid_t group, dff_err_t *err)
{
    const char *path = address->sun_path;
    mode_t      mask;
    int         rc;

    if (unlink(path) != 0 && errno != ENOENT)
        return dff_err_set(err, DFF_E_SYS, "unlink %s: %s", path, strerror(errno));
    mask = umask(0177);
    rc = bind(fd, (const struct sockaddr *) address, sizeof(*address));
    (void) umask(mask);
    if (rc != 0)
        return dff_err_set(err, DFF_E_SYS, "bind %s: %s", path, strerror(errno));
    if (geteuid() == 0 && chown(path, 0, group) != 0)
        return dff_err_set(err, DFF_E_SYS, "chown %s: %s", path, strerror(errno));
    if (chmod(path, 0660) != 0)
        return dff_err_set(err, DFF_E_SYS, "chmod %s: %s", path, strerror(errno));
    if (listen(fd, DFF_API_BACKLOG) != 0)
        return dff_err_set(err, DFF_E_SYS, "listen %s: %s", path, strerror(errno));
    return DFF_OK;
}

static int
dff_api_socket_open(int *out, const dff_config_t *cfg, const char *name, gid_t group,
    dff_err_t *err)
{
    struct sockaddr_un address;
    int                low;

    if (dff_api_socket_address(&address, cfg, name, err) != DFF_OK)
        return DFF_ERROR;
    low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (low >= 0) {
        *out = fcntl(low, F_DUPFD_CLOEXEC, DFF_API_FD_MIN);
        (void) close(low);
    }
    if (*out < 0)
        return dff_err_set(err, DFF_E_SYS, "socket for %s: %s", address.sun_path,
                           strerror(errno));
    return dff_api_socket_bind(*out, &address, group, err);
}

static int
dff_api_socket_groups(const dff_config_t *cfg, gid_t *scgi, gid_t *services, dff_err_t *err)
{
    struct passwd *pw;
    struct stat    st;

    if (stat(cfg->run_path, &st) != 0)
        return dff_err_set(err, DFF_E_SYS, "_RUN_PATH %s: %s", cfg->run_path, strerror(errno));
    *scgi = st.st_gid;
    errno = 0;
    pw = getpwnam(cfg->worker_user);
    if (pw == NULL && geteuid() == 0)
        return dff_err_set(err, DFF_E_SYS, "_WORKER_USER \"%s\": %s", cfg->worker_user,
                           errno == 0 ? "no such user" : strerror(errno));
    *services = pw == NULL ? getegid() : pw->pw_gid;
    return DFF_OK;
}

int
dff_api_sockets_open(dff_api_sockets_t *sockets, const dff_config_t *cfg, dff_err_t *err)
{
    gid_t scgi = 0, services = 0;

    if (dff_api_socket_groups(cfg, &scgi, &services, err) != DFF_OK
        || dff_api_socket_open(&sockets->scgi, cfg, DFF_API_SOCKET, scgi, err) != DFF_OK
        || dff_api_socket_open(&sockets->services, cfg, DFF_SERVICES_SOCKET, services, err)
           != DFF_OK)
        return DFF_ERROR;
    return DFF_OK;
}

static void
dff_api_socket_close(int *fd, const dff_config_t *cfg, const char *name)
{
    struct sockaddr_un address;

    if (*fd < 0)
        return;
    (void) close(*fd);
    *fd = -1;
    if (dff_api_socket_address(&address, cfg, name, NULL) == DFF_OK)
        (void) unlink(address.sun_path);      /* one that stays is removed by the next master */
}

void
dff_api_sockets_close(dff_api_sockets_t *sockets, const dff_config_t *cfg)
{
    dff_api_socket_close(&sockets->scgi, cfg, DFF_API_SOCKET);
    dff_api_socket_close(&sockets->services, cfg, DFF_SERVICES_SOCKET);
}
