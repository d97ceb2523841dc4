/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that measure themselves, or are to be killed. Forked while no other thread runs. */
#include "cli/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

mun_code mun_bench_start_child(mun_bench_child *ret, int *ret_to, bool *ret_is_child,
                               mun_error *err)
{
    int ends[2];
    fflush(stdout);
    fflush(stderr);
    if (pipe(ends) != 0) return mun_failf(err, MUN_E_IO, errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0) return mun_failf(err, MUN_E_IO, errno, "cannot start a process");
    *ret_is_child = pid == 0;
    close(ends[pid == 0 ? 0 : 1]);
    *ret = (mun_bench_child){.pid = pid, .from = ends[0]};
    *ret_to = ends[1];
    return MUN_OK;
}

mun_code mun_bench_end_child(const mun_bench_child *c, void *ret, size_t len, mun_error *err)
{
    int status = 0;
    ssize_t got = read(c->from, ret, len);
    close(c->from);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (got == (ssize_t)len) return MUN_OK;
    return mun_failf(err, MUN_E_IO, 0, "a measuring process failed (status %d)", status);
}

void mun_bench_kill_child(const mun_bench_child *c)
{
    kill(c->pid, SIGKILL);
    close(c->from);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) continue;
}
