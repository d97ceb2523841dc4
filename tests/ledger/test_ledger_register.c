/* SPDX-License-Identifier: Apache-2.0 */
/* Registration: what comes in, what is refused and by which rule, and what the receipts are good
 * for. */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static void registers_and_verifies(void **state)
{
    world *w = *state;
    made statement;
    mun_report report;
    world_statement(w, 1, &statement);
    w->now_ms += 12345;
    uint64_t index = world_register(w, &statement);
    assert_int_equal(index, 2); /* genesis, issuer, this */
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    must(mun_ledger_evidence(w->ledger, index, &evidence, err));
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 1, &report), 0);
    assert_true(report.have_registered);
    assert_int_equal(report.registered, (WORLD_START + 12345) / 1000);
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 2, &report), 1);
}

static void same_statement_same_index(void **state)
{
    world *w = *state;
    made statement;
    mun_registration first, again;
    world_statement(w, 1, &statement);
    mun_slice bytes = made_slice(&statement);
    must(mun_ledger_register(w->ledger, &bytes, 1, &first, NULL, err));
    w->now_ms += 5000;
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    must(mun_ledger_register(w->ledger, &bytes, 1, &again, &receipt, err));
    assert_int_equal(again.code, MUN_OK);
    assert_false(first.existed);
    assert_true(again.existed);
    assert_int_equal(again.index, first.index);
    assert_int_equal(again.time_ms, first.time_ms);
    mun_receipt parsed;
    uint8_t root[MUN_HASH_SIZE];
    must(mun_receipt_parse(mun_buf_slice(&receipt), &parsed, err));
    must(mun_receipt_check(&w->crypto, &parsed, again.leaf,
                           &mun_ledger_identity(w->ledger)->receipts, root, err));
    assert_int_equal(parsed.iat, WORLD_START / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers_and_verifies, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(same_statement_same_index, world_set_up, world_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
