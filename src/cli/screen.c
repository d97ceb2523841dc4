/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include "cli/app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define REDRAW_MS 100
#define BAR_WIDTH 24

bool mun_screen_is_output(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool mun_screen_is_errors(void)
{
    return isatty(STDERR_FILENO) == 1;
}

bool mun_screen_wants_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no != NULL && no[0] != '\0') return false;
    return mun_screen_is_output() && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned mun_screen_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return 80;
    return size.ws_col < 100 ? size.ws_col : 100;
}

void mun_progress_begin(mun_progress *p, bool shown, const char *what)
{
    *p = (mun_progress){.shown = shown, .what = what};
}

void mun_progress_set(mun_progress *p, uint64_t done, uint64_t all)
{
    if (!p->shown) return;
    uint64_t now = mun_wall_clock_ms();
    if (p->drawn && now - p->last_ms < REDRAW_MS && done != all) return;
    p->last_ms = now;
    p->drawn = true;
    if (all == 0) {
        fprintf(stderr, "\r\033[K%s: %llu", p->what, (unsigned long long)done);
    } else {
        char bar[BAR_WIDTH + 1];
        size_t full = (size_t)((done < all ? done : all) * BAR_WIDTH / all);
        memset(bar, ' ', BAR_WIDTH);
        memset(bar, '#', full);
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r\033[K%s [%s] %llu of %llu", p->what, bar, (unsigned long long)done,
                (unsigned long long)all);
    }
    fflush(stderr);
}

void mun_progress_end(mun_progress *p)
{
    if (!p->shown || !p->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = false;
}

static mun_code need_terminal(const char *option, mun_error *err)
{
    if (isatty(STDIN_FILENO) == 1) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0,
                     "there is no terminal to ask on; use --%s to give the answer", option);
}

/* One line from the terminal, without its end; what does not fit latches the buffer's overflow. */
static bool read_line(mun_buf *ret)
{
    for (;;) {
        uint8_t c;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        if (c == '\n') return true;
        mun_buf_u8(ret, c);
    }
}

mun_code mun_ask_passphrase(const char *question, const char *option, mun_buf *ret, mun_error *err)
{
    MUN_TRY(need_terminal(option, err));
    struct termios before, silent;
    sigset_t interrupt, old;
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        return mun_failf(err, MUN_E_IO, errno, "cannot read the terminal's settings");
    }
    /* Ctrl-C must not leave the terminal without echo: it is delivered after the settings are
     * back. ISIG off turns it into a byte, which ends the line reader's answer as a refusal. */
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &old);
    fprintf(stderr, "%s: ", question);
    fflush(stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    size_t from = ret->len;
    bool got = read_line(ret);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigprocmask(SIG_SETMASK, &old, NULL);
    fputc('\n', stderr);
    if (!mun_buf_ok(ret))
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the answer is too long");
    bool cancelled = ret->len > from && memchr(ret->ptr + from, 3, ret->len - from) != NULL;
    if (got && !cancelled) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "no passphrase was given");
}

mun_code mun_ask_yes(const char *question, const char *option, bool *ret, mun_error *err)
{
    MUN_TRY(need_terminal(option, err));
    uint8_t room[64];
    mun_buf answer = mun_buf_fixed(room, sizeof room);
    fprintf(stderr, "%s (yes or no): ", question);
    fflush(stderr);
    *ret = read_line(&answer) && mun_slice_equal(mun_buf_slice(&answer), MUN_LITERAL("yes"));
    return MUN_OK;
}
