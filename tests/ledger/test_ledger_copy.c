/* SPDX-License-Identifier: Apache-2.0 */
/* Export, import, adopt: docs/format/export.md, [POL-14] to [POL-16]. */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 300 }; /* more than one tile */

typedef struct places {
    char out[MUN_PATH_BYTES_MAX + 16];
    char copy[MUN_PATH_BYTES_MAX + 16];
} places;

static void fill(world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        made statement;
        world_statement(w, i, &statement);
        if (i % 7 == 0) w->now_ms += 1000;
        world_register(w, &statement);
    }
}

static places export_it(world *w)
{
    places p;
    snprintf(p.out, sizeof p.out, "%s/out", w->folder);
    snprintf(p.copy, sizeof p.copy, "%s/copy", w->folder);
    must(mun_ledger_export(w->ledger, p.out, NULL, err));
    return p;
}

static void use_copy(world *w, const places *p)
{
    if (w->ledger != NULL) world_close(w);
    snprintf(w->path, sizeof w->path, "%s", p->copy);
    world_open(w);
}

static void same_file(const char *a_folder, const char *b_folder, const char *name)
{
    char path[2 * MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf a = mun_buf_growable(16u << 20);
    MUN_BUF_AUTO mun_buf b = mun_buf_growable(16u << 20);
    snprintf(path, sizeof path, "%s/%s", a_folder, name);
    must(mun_file_read(path, 16u << 20, &a, err));
    snprintf(path, sizeof path, "%s/%s", b_folder, name);
    must(mun_file_read(path, 16u << 20, &b, err));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
}

/* [EXP-4] */
static void copy_is_the_same(void **state)
{
    world *w = *state;
    char original[MUN_PATH_BYTES_MAX];
    fill(w, ENTRIES);
    mun_tree tree = mun_ledger_tree(w->ledger);
    places p = export_it(w);
    uint64_t times[ENTRIES + 2];
    for (uint64_t i = 0; i < ENTRIES + 2; i++) {
        MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
        must(mun_ledger_entry(w->ledger, i, &entry, &times[i], err));
    }
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    memcpy(original, w->path, sizeof original);
    use_copy(w, &p);
    static const char *const names[] = {"entries/0000000000", "offsets", "hashes/0", "hashes/1",
                                        "ledger.pub"};
    for (size_t i = 0; i < 5; i++) same_file(original, p.copy, names[i]);
    mun_tree copied = mun_ledger_tree(w->ledger);
    assert_int_equal(copied.size, tree.size);
    assert_memory_equal(copied.root, tree.root, MUN_HASH_SIZE);
    for (uint64_t i = 0; i < ENTRIES + 2; i++) {
        uint64_t time_ms = 0;
        MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
        must(mun_ledger_entry(w->ledger, i, &entry, &time_ms, err));
        assert_int_equal(time_ms, times[i]);
    }
    must(mun_ledger_fsck(p.copy, true, NULL, NULL, err));
}

static mun_code count(void *ctx, const mun_found *found, mun_error *err)
{
    size_t *n = ctx;
    (void)found;
    (void)err;
    ++*n;
    return MUN_OK;
}

/* A copy reads, finds and shows the checkpoint it came with; it signs and registers nothing. */
static void copy_only_reads(void **state)
{
    world *w = *state;
    made statement;
    mun_error why;
    fill(w, 20);
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(4096);
    must(mun_ledger_checkpoint(w->ledger, &checkpoint, err));
    places p = export_it(w);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    use_copy(w, &p);
    assert_true(mun_ledger_is_copy(w->ledger));
    world_statement(w, 100, &statement);
    mun_slice bytes = made_slice(&statement);
    mun_registration result;
    assert_int_equal(mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, &why), MUN_E_REFUSED);
    assert_non_null(strstr(why.text, "adopt"));
    must(mun_ledger_admits(w->ledger, bytes, err));
    uint64_t index = 0;
    assert_int_equal(
        mun_ledger_issuer_remove(w->ledger, MUN_LITERAL(WORLD_ISSUER), NULL, &index, &why),
        MUN_E_REFUSED);
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    assert_int_equal(mun_ledger_receipt(w->ledger, 0, &receipt, &why), MUN_E_REFUSED);
    MUN_BUF_AUTO mun_buf again = mun_buf_growable(4096);
    must(mun_ledger_checkpoint(w->ledger, &again, err));
    assert_true(mun_slice_equal(mun_buf_slice(&again), mun_buf_slice(&checkpoint)));
    size_t found = 0;
    mun_query query = {.iss = MUN_LITERAL(WORLD_ISSUER)};
    must(mun_ledger_find(w->ledger, &query, count, &found, err));
    assert_int_equal(found, 20);
    mun_ledger_status status;
    must(mun_ledger_status_get(w->ledger, &status, err));
    assert_true(status.copy);
    assert_int_equal(status.index_rows, 22);
}

/* [EXP-1], [EXP-2] */
static void exporting_twice_is_the_same(void **state)
{
    world *w = *state;
    mun_error why;
    fill(w, ENTRIES);
    places p = export_it(w);
    assert_int_equal(mun_ledger_export(w->ledger, p.out, NULL, &why), MUN_E_EXISTS);
    must(mun_ledger_export(w->ledger, p.copy, NULL, err));
    static const char *const names[] = {"tile/entries/000", "tile/entries/001.p/46",
                                        "tile/0/000",       "tile/0/001.p/46",
                                        "tile/1/000.p/1",   "commits",
                                        "ledger.pub",       "export",
                                        "checkpoint"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) same_file(p.out, p.copy, names[i]);
    must(mun_dir_remove_all(p.copy, err));
}

/* Read in parts of one block, the times are the file's, from whichever entry one begins. */
static void commits_in_parts(void **state)
{
    world *w = *state;
    for (unsigned i = 0; i < 2 * 127; i++) { /* with the two before: more than a block holds */
        made statement;
        world_statement(w, i, &statement);
        w->now_ms += 10;
        world_register(w, &statement);
    }
    uint64_t size = mun_ledger_tree(w->ledger).size, end = 0;
    for (uint64_t first = 0; first < size; first += 51) {
        MUN_BUF_AUTO mun_buf whole = mun_buf_growable(1u << 20);
        MUN_BUF_AUTO mun_buf parts = mun_buf_growable(1u << 20);
        unsigned calls = 0;
        must(mun_ledger_commits(w->ledger, first, size, 0, &whole, &end, err));
        assert_int_equal(end, size);
        for (uint64_t next = first; next < size; calls++) {
            must(mun_ledger_commits(w->ledger, next, size, 1, &parts, &next, err));
        }
        assert_int_equal(calls, first == 0 ? 2 : 1);
        assert_true(mun_slice_equal(mun_buf_slice(&whole), mun_buf_slice(&parts)));
    }
    end = 5;
    mun_error why = {0};
    MUN_BUF_AUTO mun_buf none = mun_buf_growable(1u << 20);
    assert_int_equal(mun_ledger_commits(w->ledger, 0, size + 1, 1, &none, &end, &why),
                     MUN_E_NOT_FOUND);
    assert_int_equal(end, 5);
}

typedef struct spoiling {
    const places *p;
    size_t files;
} spoiling;

static void import_fails(const places *p, const char *what)
{
    mun_error why = {0};
    mun_file_info info;
    mun_code code = mun_ledger_import(p->out, p->copy, NULL, &why);
    if (code == MUN_OK) fail_msg("imported with %s spoiled", what);
    must(mun_file_look(p->copy, false, &info, err));
    assert_int_equal(info.kind, MUN_FILE_MISSING);
}

/* [EXP-3], [EXP-5]: each file missing, longer, shorter, or with one bit changed. */
static mun_code spoil(void *ctx, const mun_walk_entry *entry, mun_error *outer)
{
    spoiling *s = ctx;
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(1u << 20);
    (void)outer;
    must(mun_file_read(entry->path, 1u << 20, &bytes, err));
    must(mun_file_remove(entry->path, err));
    import_fails(s->p, entry->relative);
    for (size_t at = 0; at < bytes.len; at += bytes.len / 5 + 1) {
        bytes.ptr[at] ^= 4;
        must(mun_file_write(entry->path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
        import_fails(s->p, entry->relative);
        bytes.ptr[at] ^= 4;
    }
    mun_slice shorter = mun_slice_of(bytes.ptr, bytes.len - 1);
    must(mun_file_write(entry->path, shorter, MUN_WRITE_REPLACE, err));
    import_fails(s->p, entry->relative);
    mun_buf_u8(&bytes, 'x');
    must(mun_file_write(entry->path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
    import_fails(s->p, entry->relative);
    bytes.len--;
    must(mun_file_write(entry->path, mun_buf_slice(&bytes), MUN_WRITE_REPLACE, err));
    s->files++;
    return MUN_OK;
}

static void spoiled_exports_are_refused(void **state)
{
    world *w = *state;
    fill(w, 5);
    places p = export_it(w);
    spoiling s = {&p, 0};
    mun_walk walk = {.ctx = &s, .file = spoil};
    must(mun_dir_walk(p.out, &walk, err));
    assert_int_equal(s.files, 6);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
}

/* ---- Adoption
 * ------------------------------------------------------------------------------------ */

typedef struct notices {
    size_t len;
} notices;

static void on_notice(void *ctx, const char *sentence)
{
    notices *n = ctx;
    assert_non_null(strstr(sentence, "announces new keys"));
    n->len++;
}

static mun_code note_epoch(void *ctx, const mun_ledger_key_epoch *epoch, mun_error *outer)
{
    mun_ledger_key_epoch *epochs = ctx;
    (void)outer;
    epochs[epoch->from == 0 ? 0 : 1] = *epoch;
    return MUN_OK;
}

/* Before and after: what was signed with the old keys is still to be checked with them. */
static void both_keys(world *w, const mun_ledger_pub *old, bool self)
{
    mun_ledger_key_epoch epochs[2] = {0};
    must(mun_ledger_keys(w->ledger, note_epoch, epochs, err));
    assert_memory_equal(epochs[0].receipts.x, old->receipts.x, 32);
    assert_memory_equal(epochs[1].receipts.x, mun_ledger_identity(w->ledger)->receipts.x, 32);
    assert_int_equal(epochs[1].from, 22);
    assert_int_equal(epochs[1].self_announced, self);
}

static void adopted_works(world *w, const mun_ledger_adopt_options *options, bool self)
{
    made statement;
    mun_report report;
    mun_error why;
    fill(w, 20);
    mun_ledger_pub old = *mun_ledger_identity(w->ledger);
    places p = export_it(w);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    must(mun_ledger_adopt(p.copy, options, err));
    assert_int_equal(mun_ledger_adopt(p.copy, options, &why), MUN_E_USAGE); /* no copy any more */
    use_copy(w, &p);
    const mun_ledger_pub *pub = mun_ledger_identity(w->ledger);
    assert_false(mun_ledger_is_copy(w->ledger));
    assert_memory_not_equal(pub->receipts.x, old.receipts.x, 32);
    assert_int_equal(mun_ledger_tree(w->ledger).size, 23);
    world_statement(w, 100, &statement);
    uint64_t index = world_register(w, &statement); /* the issuer list goes on unchanged */
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    must(mun_ledger_evidence(w->ledger, index, &evidence, err));
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 100, &report), 0);
    mun_ledger_status status;
    must(mun_ledger_status_get(w->ledger, &status, err));
    assert_int_equal(status.self_announced, self);
    both_keys(w, &old, self);
    world_close(w);
    notices n = {0};
    mun_watch watch = {.ctx = &n, .notice = on_notice};
    must(mun_ledger_fsck(p.copy, true, &watch, NULL, err));
    assert_int_equal(n.len, self ? 1 : 0); /* [POL-16] */
    world_open(w);
    /* And it can be exported and imported again, with its two policies. */
    must(mun_dir_remove_all(p.out, err));
    must(mun_ledger_export(w->ledger, p.out, NULL, err));
    snprintf(p.copy, sizeof p.copy, "%s/copy2", w->folder);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
}

static void read_key(const world *w, const char *name, mun_buf *ret)
{
    char path[MUN_PATH_BYTES_MAX];
    world_file(w, name, path);
    must(mun_file_read(path, 65536, ret, err));
}

static void adopted_by_the_old_receipts_key(void **state)
{
    world *w = *state;
    MUN_BUF_AUTO mun_buf pem = mun_buf_growable(65536);
    read_key(w, "keys/receipts.pem", &pem);
    mun_ledger_adopt_options options = {.old_receipts_key_pem = mun_buf_slice(&pem)};
    adopted_works(w, &options, false);
}

static void adopted_by_the_old_checkpoints_key(void **state)
{
    world *w = *state;
    MUN_BUF_AUTO mun_buf pem = mun_buf_growable(65536);
    read_key(w, "keys/checkpoints.pem", &pem);
    mun_ledger_adopt_options options = {.old_checkpoints_key_pem = mun_buf_slice(&pem)};
    adopted_works(w, &options, false);
}

static void adopted_by_nobody(void **state)
{
    adopted_works(*state, NULL, true);
}

static void adoption_with_a_wrong_key(void **state)
{
    world *w = *state;
    mun_error why;
    MUN_BUF_AUTO mun_buf pem = mun_buf_growable(65536);
    read_key(w, "keys/checkpoints.pem", &pem);
    places p = export_it(w);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    mun_ledger_adopt_options wrong = {.old_receipts_key_pem = mun_buf_slice(&pem)};
    assert_int_equal(mun_ledger_adopt(p.copy, &wrong, &why), MUN_E_USAGE);
    assert_int_equal(mun_ledger_adopt(w->path, NULL, &why), MUN_E_BUSY);
    use_copy(w, &p);
    assert_true(mun_ledger_is_copy(w->ledger));
    assert_int_equal(mun_ledger_tree(w->ledger).size, 2);
    world_close(w);
    must(mun_ledger_adopt(p.copy, NULL, err)); /* goes on with the keys of the first try */
    world_open(w);
}

/* A backup put back by hand, keys and all, is a copy once it is marked as one [LOG-3]. */
static void marked_copy_with_keys(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    mun_error why;
    made statement;
    world_close(w);
    world_file(w, "copy", path);
    must(mun_file_write(path, MUN_LITERAL("muniment-copy 1\n"), 0, err));
    world_open(w);
    world_statement(w, 1, &statement);
    mun_slice bytes = made_slice(&statement);
    mun_registration result;
    assert_int_equal(mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, &why), MUN_E_REFUSED);
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    assert_int_equal(mun_ledger_receipt(w->ledger, 0, &receipt, &why), MUN_E_REFUSED);
    world_close(w);
    must(mun_ledger_adopt(w->path, NULL, err));
    world_open(w);
    world_register(w, &statement);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(copy_is_the_same),
        listed(copy_only_reads),
        listed(exporting_twice_is_the_same),
        listed(commits_in_parts),
        listed(spoiled_exports_are_refused),
        listed(adopted_by_the_old_receipts_key),
        listed(adopted_by_the_old_checkpoints_key),
        listed(adopted_by_nobody),
        listed(adoption_with_a_wrong_key),
        listed(marked_copy_with_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
