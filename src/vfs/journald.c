/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/journald.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool mun_journald_reads_errors(void)
{
    const char *text = getenv("JOURNAL_STREAM");
    char ours[48];
    struct stat st;
    if (text == NULL || fstat(STDERR_FILENO, &st) != 0) return false;
    snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(text, ours) == 0;
}
