/* SPDX-License-Identifier: Apache-2.0 */
/* Build-time program: prints one manual page (mun-man NAME, or mun-man for the overview). */
#include "cli/pages.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
    if (!mun_man_write(&page, argc > 1 ? argv[1] : NULL) || !mun_buf_ok(&page)) return 1;
    return fwrite(page.ptr, 1, page.len, stdout) == page.len && fflush(stdout) == 0 ? 0 : 1;
}
