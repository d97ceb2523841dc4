# SPDX-License-Identifier: Apache-2.0
# What operators write, and what clients say about themselves.
if(NOT TARGET mun_server)
    return()
endif()
mun_fuzz(fuzz_config SOURCES fuzz_config.c USES server PARSES server/config_scan.c server/config_read.c)
mun_fuzz(fuzz_access SOURCES fuzz_access.c USES server PARSES server/tokens.c server/credential.c)
mun_fuzz(fuzz_http SOURCES fuzz_http.c USES server
         PARSES server/framing.c server/query.c server/negotiate.c server/media_type.c server/tile_name.c server/api_time.c)
