# SPDX-License-Identifier: Apache-2.0
# Recovery over damaged files, in the small world of tests/log, on the simulated disk.
mun_fuzz(fuzz_recovery SOURCES fuzz_recovery.c ../sim/simdisk.c ../sim/sim_node.c ../sim/sim_names.c
         ../sim/sim_hash.c USES log_small PARSES log/store_recover.c log/store_layout.c)
