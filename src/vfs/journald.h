/* SPDX-License-Identifier: Apache-2.0 */
/* Whether journald reads what we write: it keeps the time itself and takes a line's priority from
 * "<N>" in front of it (sd-daemon(3)). */
#ifndef MUN_VFS_JOURNALD_H
#define MUN_VFS_JOURNALD_H

#include <stdbool.h>

#define MUN_JOURNALD_ERROR "<3>"

/* systemd.exec(5): JOURNAL_STREAM is device and inode of what journald reads; it is inherited, so
 * it counts only when standard error is still that. */
bool mun_journald_reads_errors(void);

#endif
