/* SPDX-License-Identifier: Apache-2.0 */
/* fsck and rebuild: what does not belong on a ledger is found where it stands. */
#include "ledger/ledger_world.h"
#include "log/log.h"
#include "support/cmocka_all.h"
#include "vfs/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_progress(void *ctx, const char *stage, uint64_t done, uint64_t all)
{
    findings *f = ctx;
    assert_non_null(stage);
    assert_true(done <= all);
    f->progress++;
}

static mun_code check(const world *w, bool deep, findings *ret)
{
    mun_error why;
    mun_tree tree;
    *ret = (findings){0};
    mun_watch watch = {.ctx = ret, .finding = findings_note, .progress = on_progress};
    mun_code code = mun_ledger_fsck(w->path, deep, &watch, &tree, &why);
    assert_int_equal(code == MUN_E_DAMAGED, ret->len > 0);
    return code;
}

static void fill(world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        made statement;
        world_statement(w, i, &statement);
        world_register(w, &statement);
    }
}

static void sound_ledger(void **state)
{
    world *w = *state;
    findings f;
    mun_tree tree, checked;
    mun_error why;
    fill(w, 30);
    tree = mun_ledger_tree(w->ledger);
    assert_int_equal(mun_ledger_fsck(w->path, true, NULL, &checked, &why), MUN_E_BUSY);
    world_close(w);
    assert_int_equal(check(w, false, &f), MUN_OK);
    assert_int_equal(check(w, true, &f), MUN_OK);
    assert_true(f.progress > 0);
    must(mun_ledger_fsck(w->path, true, NULL, &checked, err));
    assert_int_equal(checked.size, tree.size);
    assert_memory_equal(checked.root, tree.root, MUN_HASH_SIZE);
}

static uint64_t never(void *ctx)
{
    (void)ctx;
    return WORLD_START;
}

/* Past the ledger, straight onto its log. */
static void smuggle(const world *w, mun_slice entry, bool again)
{
    mun_vfs vfs;
    mun_log *log = NULL;
    mun_appended appended;
    must(mun_vfs_posix_open(w->path, &vfs, err));
    mun_log_config config = {
        .vfs = &vfs,
        .origin = MUN_LITERAL(WORLD_ORIGIN),
        .clock_ms = never,
        .random = mun_native_random,
        .crypto_new = mun_native_crypto_new,
        .crypto_free = mun_native_crypto_free,
    };
    must(mun_log_open(&config, &log, err));
    if (again)
        must(mun_log_append_at(log, &entry, 1, WORLD_START, NULL, err));
    else
        must(mun_log_append(log, &entry, 1, &appended, NULL, err));
    must(mun_log_close(log, err));
    mun_vfs_posix_close(&vfs);
}

static void finds_at(world *w, uint64_t entry, const char *word)
{
    findings f;
    assert_int_equal(check(w, false, &f), MUN_OK); /* the tree itself is sound */
    assert_int_equal(check(w, true, &f), MUN_E_DAMAGED);
    if (f.entry != entry) fail_msg("found at %llu: %s", (unsigned long long)f.entry, f.sentence);
    if (strstr(f.sentence, word) == NULL) fail_msg("\"%s\" does not say %s", f.sentence, word);
}

/* [POL-13]: each kind of entry that admission would have refused. */
static void smuggled_entries(void **state)
{
    world *w = *state;
    made bad;
    fill(w, 3);
    world_close(w);
    world_sign(&w->other, "https://evil.example", "x", 1, &bad);
    smuggle(w, made_slice(&bad), false);
    finds_at(w, 5, "issuer-not-listed");
}

static void smuggled_forgery(void **state)
{
    world *w = *state;
    made bad;
    world_statement(w, 1, &bad);
    bad.bytes[bad.len - 1] ^= 1;
    world_close(w);
    smuggle(w, made_slice(&bad), false);
    finds_at(w, 2, "signature-invalid");
}

static void smuggled_nonsense(void **state)
{
    world *w = *state;
    world_close(w);
    smuggle(w, MUN_LITERAL("hello"), false);
    finds_at(w, 2, "entry 2");
}

/* With receipts inside: a statement, but not the canonical bytes of an entry [STMT-21]. */
static void smuggled_unprotected_header(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    uint64_t index = world_register(w, &statement);
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    must(mun_ledger_evidence(w->ledger, index, &evidence, err));
    world_close(w);
    smuggle(w, mun_buf_slice(&evidence), false);
    finds_at(w, 3, "canonical");
}

static void smuggled_duplicate(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    world_register(w, &statement);
    world_close(w);
    smuggle(w, made_slice(&statement), true);
    finds_at(w, 3, "entry 2");
}

/* [POL-12]: in the ledger's own name; then the ledger does not open for writing either. */
static void smuggled_own_statement(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    made bad;
    mun_signing_key key;
    mun_error why;
    mun_ledger *ledger = NULL;
    world_file(w, "keys/receipts.pem", path);
    must(mun_signing_key_read(path, (mun_slice){0}, &key, err));
    world_sign(&key, WORLD_ORIGIN, "x", 1, &bad);
    mun_signing_key_free(&key);
    world_close(w);
    smuggle(w, made_slice(&bad), false);
    finds_at(w, 2, "origin-reserved");
    assert_int_equal(mun_ledger_open(w->path, NULL, &ledger, &why), MUN_E_DAMAGED);
    assert_non_null(strstr(why.text, "entry 2"));
}

/* Every byte of ledger.pub counts; no byte of what is derived does more than cost time. */
static void every_flipped_bit_of_small_files(void **state)
{
    static const struct {
        const char *name;
        bool counts;
    } files[] = {{"ledger.pub", true}, {"control", false}, {"checkpoint", false}};
    world *w = *state;
    fill(w, 3);
    world_close(w);
    for (size_t i = 0; i < 3; i++) {
        char path[MUN_PATH_BYTES_MAX];
        MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(65536);
        world_file(w, files[i].name, path);
        must(mun_file_read(path, 65536, &bytes, err));
        for (size_t at = 0; at < bytes.len; at += files[i].counts ? 1 : 9) {
            mun_ledger *ledger = NULL;
            mun_ledger_open_options options = {.read_only = true};
            mun_error why;
            bytes.ptr[at] ^= (uint8_t)(1u << (at % 8));
            must(mun_file_write(path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
            bytes.ptr[at] ^= (uint8_t)(1u << (at % 8));
            mun_code code = mun_ledger_open(w->path, &options, &ledger, &why);
            if (files[i].counts == (code == MUN_OK)) fail_msg("%s, byte %zu", files[i].name, at);
            if (code == MUN_OK) must(mun_ledger_close(ledger, err));
            if (files[i].counts)
                assert_int_not_equal(mun_ledger_fsck(w->path, false, NULL, NULL, &why), MUN_OK);
        }
        must(mun_file_write(path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
    }
    world_open(w);
}

/* [LOG-26]: everything derived deleted, and back it comes. */
static void rebuild_restores(void **state)
{
    static const char *const derived[] = {"offsets", "hashes/0",  "hashes/1",  "index.sqlite",
                                          "control", "published", "checkpoint"};
    world *w = *state;
    findings f;
    mun_error why;
    fill(w, 300);
    mun_tree before = mun_ledger_tree(w->ledger);
    world_close(w);
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        char path[MUN_PATH_BYTES_MAX];
        world_file(w, derived[i], path);
        mun_code code = mun_file_remove(path, &why);
        assert_true(code == MUN_OK || code == MUN_E_NOT_FOUND);
    }
    findings p = {0};
    mun_watch watch = {.ctx = &p, .progress = on_progress};
    must(mun_ledger_rebuild(w->path, &watch, err));
    assert_true(p.progress > 0);
    assert_int_equal(check(w, true, &f), MUN_OK);
    world_open(w);
    mun_tree after = mun_ledger_tree(w->ledger);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.root, before.root, MUN_HASH_SIZE);
    mun_ledger_status status;
    must(mun_ledger_status_get(w->ledger, &status, err));
    assert_int_equal(status.index_rows, before.size);
    assert_true(status.disk_bytes > 100000);
    assert_true(status.writer);
    assert_int_equal(status.key_created_ms, WORLD_START);
}

/* A ledger with a passphrase is checked and rebuilt without it. */
static void no_passphrase_needed(void **state)
{
    world *w = *state;
    world_close(w);
    must(mun_dir_remove_all(w->path, err));
    mun_ledger_create_options options = {
        .origin = MUN_LITERAL(WORLD_ORIGIN), .passphrase = MUN_LITERAL("horse"), .clock_ms = never};
    must(mun_ledger_create(w->path, &options, err));
    must(mun_ledger_fsck(w->path, true, NULL, NULL, err));
    must(mun_ledger_rebuild(w->path, NULL, err));
}

/* ---- Checkpoints and proofs
 * ---------------------------------------------------------------------- */

/* [CKPT-11], [CKPT-12]: one tree, one text; each continues the one before, and never ahead. */
static void checkpoints_continue(void **state)
{
    world *w = *state;
    const mun_ledger_pub *pub = mun_ledger_identity(w->ledger);
    mun_tree old = mun_ledger_tree(w->ledger);
    for (unsigned i = 0; i < 20; i++) {
        made statement;
        mun_note note;
        mun_checkpoint checkpoint;
        uint64_t time = 0;
        uint8_t path[64][MUN_HASH_SIZE], root[MUN_HASH_SIZE];
        size_t len = 0;
        world_statement(w, i, &statement);
        world_register(w, &statement);
        MUN_BUF_AUTO mun_buf text = mun_buf_growable(65536);
        MUN_BUF_AUTO mun_buf again = mun_buf_growable(65536);
        MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
        must(mun_ledger_checkpoint(w->ledger, &text, err));
        must(mun_ledger_checkpoint(w->ledger, &again, err));
        assert_true(mun_slice_equal(mun_buf_slice(&text), mun_buf_slice(&again)));
        must(mun_note_parse(mun_buf_slice(&text), &note, err));
        must(mun_note_check(&w->crypto, &note, pub->origin, MUN_VKEY_LOG, &pub->checkpoints, &time,
                            err));
        must(mun_checkpoint_parse(note.text, &checkpoint, err));
        mun_tree tree = mun_ledger_tree(w->ledger);
        assert_int_equal(checkpoint.size, tree.size);
        assert_memory_equal(checkpoint.root, tree.root, MUN_HASH_SIZE);
        must(mun_ledger_consistency(w->ledger, old.size, tree.size, path, &len, err));
        must(mun_consistency_check(&w->crypto, old.size, (const mun_hash *)old.root, tree.size,
                                   (const mun_hash *)tree.root, (const mun_hash *)path, len));
        must(mun_ledger_consistency_receipt(w->ledger, old.size, &receipt, err));
        mun_receipt parsed;
        must(mun_receipt_parse(mun_buf_slice(&receipt), &parsed, err));
        must(mun_receipt_check_consistency(&w->crypto, &parsed, old.size, old.root, &pub->receipts,
                                           root, err));
        assert_memory_equal(root, tree.root, MUN_HASH_SIZE);
        old = tree;
    }
}

/* A tlog-proof and bare proofs, for every entry and every size of a small tree. */
static void every_proof(void **state)
{
    world *w = *state;
    fill(w, 20);
    mun_tree tree = mun_ledger_tree(w->ledger);
    for (uint64_t index = 0; index < tree.size; index++) {
        mun_hash leaf, root;
        uint8_t path[64][MUN_HASH_SIZE], expected[MUN_HASH_SIZE];
        size_t len = 0;
        mun_error why;
        MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
        MUN_BUF_AUTO mun_buf text = mun_buf_growable(65536);
        must(mun_ledger_entry(w->ledger, index, &entry, NULL, err));
        mun_hash_leaf(&w->crypto, mun_buf_slice(&entry), &leaf);
        uint64_t found = 0;
        must(mun_ledger_lookup(w->ledger, leaf.bytes, &found, err));
        assert_int_equal(found, index);
        for (uint64_t size = index + 1; size <= tree.size; size++) {
            must(mun_ledger_inclusion(w->ledger, index, size, path, &len, err));
            must(mun_inclusion_fold(&w->crypto, index, size, &leaf, (const mun_hash *)path, len,
                                    &root));
            must(mun_ledger_root(w->ledger, size, expected, err));
            assert_memory_equal(root.bytes, expected, MUN_HASH_SIZE);
        }
        assert_int_not_equal(
            mun_ledger_inclusion(w->ledger, index, tree.size + 1, path, &len, &why), MUN_OK);
        must(mun_ledger_tlog_proof(w->ledger, index, &text, err));
        mun_tlog_proof proof;
        must(mun_tlog_proof_parse(mun_buf_slice(&text), &proof, err));
        assert_int_equal(proof.index, index);
        must(mun_inclusion_fold(&w->crypto, index, tree.size, &leaf, (const mun_hash *)proof.path,
                                proof.path_len, &root));
        assert_memory_equal(root.bytes, tree.root, MUN_HASH_SIZE);
    }
}

/* A copy that takes itself for the original: only a test removes keys/home. */
static void twin_make(const world *w, char ret[MUN_PATH_BYTES_MAX + 16])
{
    char command[3 * MUN_PATH_BYTES_MAX];
    snprintf(ret, MUN_PATH_BYTES_MAX + 16, "%s/twin", w->folder);
    snprintf(command, sizeof command, "cp -a '%s' '%s' && rm '%s/keys/home'", w->path, ret, ret);
    assert_int_equal(system(command), 0);
}

static void checkpoint_move(const char *from, const char *to)
{
    char path[2 * MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(65536);
    snprintf(path, sizeof path, "%s/checkpoint", from);
    must(mun_file_read(path, 65536, &bytes, err));
    snprintf(path, sizeof path, "%s/checkpoint", to);
    must(mun_file_write(path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
}

static void finds_checkpoint(world *w, const char *sentence)
{
    findings f;
    assert_int_equal(check(w, false, &f), MUN_E_DAMAGED);
    assert_int_equal(f.len, 1);
    assert_string_equal(f.file, "checkpoint");
    if (strstr(f.sentence, sentence) == NULL) fail_msg("%s", f.sentence);
}

/* [LOG-35] */
static void a_ledger_set_back_is_known_by_its_checkpoint(void **state)
{
    world *w = *state;
    findings f;
    char twin[MUN_PATH_BYTES_MAX + 16], original[MUN_PATH_BYTES_MAX], path[MUN_PATH_BYTES_MAX];
    fill(w, 5);
    world_close(w);
    twin_make(w, twin);
    memcpy(original, w->path, sizeof original);
    world_open(w);
    fill(w, 5);
    world_close(w);
    assert_int_equal(check(w, false, &f), MUN_OK);
    checkpoint_move(original, twin);
    snprintf(w->path, sizeof w->path, "%s", twin);
    finds_checkpoint(w, "set back");
    world_open(w);
    for (unsigned i = 100; i < 109; i++) {
        made statement;
        world_statement(w, i, &statement);
        world_register(w, &statement);
    }
    world_close(w);
    checkpoint_move(original, twin);
    finds_checkpoint(w, "replaced");
    world_file(w, "checkpoint", path);
    must(mun_file_write(path, MUN_LITERAL("torn"), MUN_WRITE_REPLACE, err));
    assert_int_equal(check(w, false, &f), MUN_OK); /* derived, and nobody's signature */
    world_open(w);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(sound_ledger),
        listed(smuggled_entries),
        listed(smuggled_forgery),
        listed(smuggled_nonsense),
        listed(smuggled_unprotected_header),
        listed(smuggled_duplicate),
        listed(smuggled_own_statement),
        listed(every_flipped_bit_of_small_files),
        listed(rebuild_restores),
        listed(no_passphrase_needed),
        listed(checkpoints_continue),
        listed(every_proof),
        listed(a_ledger_set_back_is_known_by_its_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
