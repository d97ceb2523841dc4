/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: what is accepted fits together, and what is refused says where. */
#include "fuzz/fuzz_need.h"
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_config config;
    mun_error err = {0};
    mun_code code = mun_config_parse(mun_slice_of(data, size), "f", &config, &err);
    if (code != MUN_OK) {
        need(err.code == code && err.text[0] == 'f');
        return 0;
    }
    need(config.ledgers_len > 0 && config.limits.workers > 0 && config.limits.queue > 0);
    need(mun_config_check(&config, &err) == MUN_OK);
    for (size_t i = 0; i < config.ledgers_len; i++) {
        need(config.ledgers[i].directory[0] == '/');
        need(config.ledgers[i].base[0] == '\0' || config.ledgers[i].base[0] == '/');
    }
    mun_config_free(&config);
    return 0;
}
