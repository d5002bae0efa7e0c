/* Operations in processes of their own: see the header. */
#include "api/rest/dff_file_work.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_FILE_WORK_ANSWER_MAX  65536

typedef struct {
    dff_web_call_t *call;
    pid_t           pid;
    int             fd;         /* what it says, up to its end */
    struct event   *readable;
    dff_buf_t       said;
    dff_file_work_answer_fn answer;
} dff_file_work_t;


/* Everything but the process itself. It is dead, or is to be: what it had to say is said,
 * and we must not wait for one that was made to stay. */
static void
dff_file_work_free(void *ptr)
{
    dff_file_work_t *work = ptr;

    if (work->readable != NULL) {
        event_free(work->readable);
    }
    if (work->fd != -1) {
        (void) close(work->fd);     /* only read from */
    }
    if (work->pid > 0) {
        (void) kill(work->pid, SIGKILL);
        while (waitpid(work->pid, NULL, 0) == -1 && errno == EINTR) {
            continue;
        }
    }
    work->call->web->nfile_works--;
    dff_buf_release(&work->said);
    free(work);
}


static int
dff_file_work_answer(dff_web_call_t *call, dff_str_t said, dff_err_t *err)
{
    dff_str_t message, name;

    if (dff_json_check(said, &said, NULL, NULL) != DFF_OK) {
        return dff_err_set(err, DFF_E_SYS, "the process for work on files ended without a word");
    }
    if (dff_member_is(said, "ok", DFF_JSON_TRUE)) {
        return DFF_OK;
    }
    message = dff_member_text(&call->arena, said, "message");
    name = dff_member_text(&call->arena, said, "name");
    if (!dff_member_is(said, "biz", DFF_JSON_TRUE)) {
        return dff_err_set(err, DFF_E_SYS, "work on files: %s",
                           message.data == NULL ? "?" : message.data);
    }
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL, name.len == 0 ? NULL
                          : json_pack("{s:s%}", "name", name.data, name.len), "%s",
                          message.data == NULL ? "" : message.data);
}


static void
dff_file_work_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_file_work_t *work = ctx;
    dff_web_call_t  *call = work->call;
    dff_err_t        err = { 0 };
    char             piece[4096];
    ssize_t          n = read(fd, piece, sizeof(piece));
    int              rc;

    (void) what;
    if (n > 0 && work->said.len < DFF_FILE_WORK_ANSWER_MAX) {
        dff_buf_add(&work->said, piece, (size_t) n);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    rc = work->answer(call, (dff_str_t) { work->said.data, work->said.len }, &err);
    call->release = NULL;
    dff_file_work_free(work);
    dff_web_finish(call, rc, &err);
}


/* DFF_OK: work->pid runs, and *out is the end that it writes to, which is closed. */
static int
dff_file_work_spawn(dff_file_work_t *work, const char *program, char *const *words,
    dff_err_t *err)
{
    static char *const         environment[] = { "PATH=/usr/bin:/bin", NULL };
    posix_spawn_file_actions_t actions;
    int                        pipes[2], rc;

    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return dff_err_set(err, DFF_E_SYS, "pipe: %m");
    }
    work->fd = pipes[0];
    rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO) : rc;
        rc = rc == 0 ? posix_spawn(&work->pid, program, &actions, NULL, words, environment) : rc;
        (void) posix_spawn_file_actions_destroy(&actions);
    }
    (void) close(pipes[1]);     /* never written to here */
    if (rc != 0) {
        work->pid = 0;
        return dff_err_set(err, DFF_E_SYS, "the process for work on files cannot start: %s",
                           strerror(rc));
    }
    return evutil_make_socket_nonblocking(work->fd) == 0 ? DFF_OK
        : dff_err_set(err, DFF_E_SYS, "fcntl: %m");
}


static int
dff_file_work_begin(dff_web_call_t *call, const char *program, char *const *words,
    dff_file_work_answer_fn answer, dff_err_t *err)
{
    dff_file_work_t *work;

    if (call->web->nfile_works >= DFF_FILE_WORKS_MAX) {
        return dff_err_set(err, DFF_E_SYS_LIMIT_REACHED,
                           "Other work on files is still going on; try again");
    }
    work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    work->call = call;
    work->fd = -1;
    work->answer = answer;
    call->web->nfile_works++;
    if (dff_file_work_spawn(work, program, words, err) != DFF_OK) {
        dff_file_work_free(work);
        return DFF_ERROR;
    }
    work->readable = event_new(call->web->api->base, work->fd, EV_READ | EV_PERSIST,
                               dff_file_work_on_readable, work);
    if (work->readable == NULL || event_add(work->readable, NULL) != 0) {
        dff_file_work_free(work);
        return dff_err_set(err, DFF_E_SYS, "libevent takes no event");
    }
    call->state = work;
    call->release = dff_file_work_free;
    call->outlives = true;
    return DFF_WEB_WAITS;
}


int
dff_file_work_run(dff_web_call_t *call, char *const *words, dff_file_work_answer_fn answer,
    dff_err_t *err)
{
    return dff_file_work_begin(call, words[0], words, answer, err);
}


int
dff_file_work_start(dff_web_call_t *call, const char *operation, const char *target,
    const char *argument, dff_err_t *err)
{
    char *words[] = {
        "dff-executor", "--files", call->web->api->cfg->resource_root_path, (char *) operation,
        (char *) target, argument[0] == '\0' ? NULL : (char *) argument, NULL
    };

    return dff_file_work_begin(call, "/proc/self/exe", words, dff_file_work_answer, err);
}
