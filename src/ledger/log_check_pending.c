/* SPDX-License-Identifier: Apache-2.0 */
/* Until src/log brings its own check and rebuild: so that what stands above them links. */
#include "log/log.h"

__attribute__((weak)) mun_code mun_log_fsck(const mun_log_config *config,
                                            const mun_log_watch *watch, mun_tree_head *ret_head,
                                            mun_error *err)
{
    (void)config;
    (void)watch;
    (void)ret_head;
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET, "the log cannot be checked yet");
}

__attribute__((weak)) mun_code mun_log_rebuild(const mun_log_config *config,
                                               const mun_log_watch *watch, mun_error *err)
{
    (void)config;
    (void)watch;
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET, "the log cannot be rebuilt yet");
}
