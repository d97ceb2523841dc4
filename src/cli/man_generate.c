/* SPDX-License-Identifier: Apache-2.0 */
/* Build-time program: mun_man page [COMMAND], mun_man completion SHELL. */
#include "cli/pages.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
    const char *name = argc > 2 ? argv[2] : NULL;
    bool done = false;
    if (argc > 1 && strcmp(argv[1], "page") == 0) done = mun_man_write(&page, name);
    if (argc > 2 && strcmp(argv[1], "completion") == 0) {
        mun_completion_write(&page, name);
        done = page.len > 0;
    }
    if (!done || !mun_buf_ok(&page)) return 1;
    return fwrite(page.ptr, 1, page.len, stdout) == page.len && fflush(stdout) == 0 ? 0 : 1;
}
