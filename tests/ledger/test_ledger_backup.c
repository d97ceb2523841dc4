/* SPDX-License-Identifier: Apache-2.0 */
/* Backups and standbys: docs/format/export.md [EXP-6] to [EXP-14]. */
#include "ledger/ledger_parts.h"
#include "ledger/ledger_world.h"
#include "ledger/source.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX (16u << 20)

typedef struct places {
    char out[MUN_PATH_BYTES_MAX + 16];
    char copy[MUN_PATH_BYTES_MAX + 16];
} places;

static places places_of(const world *w)
{
    places p;
    snprintf(p.out, sizeof p.out, "%s/out", w->folder);
    snprintf(p.copy, sizeof p.copy, "%s/copy", w->folder);
    return p;
}

static void fill(world *w, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        made statement;
        world_statement(w, i, &statement);
        if (i % 7 == 0) w->now_ms += 1000;
        world_register(w, &statement);
    }
}

static mun_backup back_up(world *w, const places *p)
{
    mun_backup backup = {0};
    must(mun_ledger_backup(w->ledger, p->out, NULL, &backup, err));
    return backup;
}

static void read_file(const char *folder, const char *name, mun_buf *ret)
{
    char path[2 * MUN_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mun_buf_clear(ret);
    must(mun_file_read(path, FILE_MAX, ret, err));
}

static void write_file(const char *folder, const char *name, mun_slice bytes)
{
    char path[2 * MUN_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(mun_file_write(path, bytes, MUN_WRITE_REPLACE, err));
}

static void flip(const char *folder, const char *name, size_t at)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(FILE_MAX);
    read_file(folder, name, &bytes);
    assert_true(at < bytes.len);
    bytes.ptr[at] ^= 1;
    write_file(folder, name, mun_buf_slice(&bytes));
}

static void same_file(const char *a_folder, const char *b_folder, const char *name)
{
    MUN_BUF_AUTO mun_buf a = mun_buf_growable(FILE_MAX);
    MUN_BUF_AUTO mun_buf b = mun_buf_growable(FILE_MAX);
    read_file(a_folder, name, &a);
    read_file(b_folder, name, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
}

static mun_tree tree_at(const char *path)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.read_only = true};
    must(mun_ledger_open(path, &options, &ledger, err));
    mun_tree tree = mun_ledger_tree(ledger);
    must(mun_ledger_close(ledger, err));
    return tree;
}

/* ---- Backup -----------------------------------------------------------------------------------
 */

/* [EXP-8]: what is new, and nothing else; the same tree as a fresh export has. */
static void a_backup_grows_with_the_ledger(void **state)
{
    world *w = *state;
    places p = places_of(w);
    fill(w, 0, 300);
    mun_backup first = back_up(w, &p);
    assert_int_equal(first.tree.size, 302);
    assert_int_equal(first.size_before, 0);
    mun_backup again = back_up(w, &p);
    assert_int_equal(again.size_before, 302);
    assert_int_equal(again.files_written, 0);
    fill(w, 300, 300);
    mun_backup grown = back_up(w, &p);
    assert_int_equal(grown.tree.size, 602);
    /* Bundle and tile 1, partial ones 2 of both, level 1, commits, checkpoint. */
    assert_int_equal(grown.files_written, 7);
    must(mun_ledger_export(w->ledger, p.copy, NULL, err));
    static const char *const names[] = {
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/90",
        "tile/0/000",       "tile/0/001",       "tile/0/002.p/90",
        "tile/1/000.p/2",   "commits",          "ledger.pub",
        "export",           "checkpoint"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) same_file(p.out, p.copy, names[i]);
    must(mun_dir_remove_all(p.copy, err));
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    assert_int_equal(tree_at(p.copy).size, 602);
    same_file(w->path, p.copy, "entries/0000000000");
}

/* What an earlier run has lost since is written again. */
static void a_backup_heals_what_is_missing(void **state)
{
    world *w = *state;
    places p = places_of(w);
    char path[2 * MUN_PATH_BYTES_MAX];
    fill(w, 0, 300);
    back_up(w, &p);
    snprintf(path, sizeof path, "%s/tile/entries/000", p.out);
    must(mun_file_remove(path, err));
    write_file(p.out, "tile/0/000", MUN_LITERAL("short"));
    assert_int_equal(back_up(w, &p).files_written, 2);
    must(mun_ledger_import(p.out, p.copy, NULL, err));
}

/* [EXP-9]: `commits` may be ahead of the checkpoint, as an interrupted run leaves it. */
static void an_interrupted_run_leaves_the_old_backup(void **state)
{
    world *w = *state;
    places p = places_of(w);
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(4096);
    fill(w, 0, 30);
    back_up(w, &p);
    read_file(p.out, "checkpoint", &checkpoint);
    fill(w, 30, 300);
    back_up(w, &p);
    write_file(p.out, "checkpoint", mun_buf_slice(&checkpoint));
    must(mun_ledger_import(p.out, p.copy, NULL, err));
    assert_int_equal(tree_at(p.copy).size, 32);
    assert_int_equal(back_up(w, &p).size_before, 32);
}

static void refused(world *w, const places *p, mun_code code, const char *text)
{
    mun_error why = {0};
    MUN_BUF_AUTO mun_buf before = mun_buf_growable(4096);
    MUN_BUF_AUTO mun_buf after = mun_buf_growable(4096);
    read_file(p->out, "checkpoint", &before);
    assert_int_equal(mun_ledger_backup(w->ledger, p->out, NULL, NULL, &why), code);
    assert_non_null(strstr(why.text, text));
    read_file(p->out, "checkpoint", &after);
    assert_true(mun_slice_equal(mun_buf_slice(&before), mun_buf_slice(&after)));
}

static void a_stranger_in_the_folder_is_left_alone(void **state)
{
    world *w = *state;
    places p = places_of(w);
    mun_error why = {0};
    must(mun_dir_make(p.out, err));
    write_file(p.out, "letter.txt", MUN_LITERAL("mine"));
    assert_int_equal(mun_ledger_backup(w->ledger, p.out, NULL, NULL, &why), MUN_E_EXISTS);
    must(mun_dir_remove_all(p.out, err));
    back_up(w, &p);
    world_close(w);
    must(mun_dir_remove_all(w->path, err));
    mun_ledger_create_options other = {.origin = MUN_LITERAL("other.example")};
    must(mun_ledger_create(w->path, &other, err));
    world_open(w);
    refused(w, &p, MUN_E_EXISTS, "another ledger");
}

/* A copy with its keys at home: what only a test may do. */
static void twin_make(world *w, char ret[MUN_PATH_BYTES_MAX + 16])
{
    char command[3 * MUN_PATH_BYTES_MAX];
    snprintf(ret, MUN_PATH_BYTES_MAX + 16, "%s/twin", w->folder);
    snprintf(command, sizeof command, "cp -a '%s' '%s' && rm '%s/keys/home'", w->path, ret, ret);
    assert_int_equal(system(command), 0);
}

static void other_histories_are_refused(void **state)
{
    world *w = *state;
    places p = places_of(w);
    char twin[MUN_PATH_BYTES_MAX + 16];
    fill(w, 0, 10);
    world_close(w);
    twin_make(w, twin);
    world_open(w);
    fill(w, 10, 10);
    back_up(w, &p);
    world_close(w);
    snprintf(w->path, sizeof w->path, "%s", twin);
    world_open(w);
    refused(w, &p, MUN_E_INVALID, "set back");
    fill(w, 20, 20);
    refused(w, &p, MUN_E_INVALID, "two histories");
}

/* [EXP-7]: a damaged ledger gives no checkpoint that speaks of what is wrong. */
static void a_damaged_ledger_is_not_backed_up(void **state)
{
    static const char *const names[] = {"entries/0000000000", "hashes/0"};
    world *w = *state;
    places p = places_of(w);
    fill(w, 0, 300);
    back_up(w, &p);
    fill(w, 300, 300);
    world_close(w);
    for (size_t i = 0; i < 2; i++) {
        MUN_BUF_AUTO mun_buf kept = mun_buf_growable(FILE_MAX);
        read_file(w->path, names[i], &kept);
        flip(w->path, names[i], kept.len * 2 / 3);
        w->ledger = world_open_with(w, &(mun_ledger_open_options){.read_only = true});
        refused(w, &p, MUN_E_DAMAGED, "");
        world_close(w);
        write_file(w->path, names[i], mun_buf_slice(&kept));
    }
    world_open(w);
    back_up(w, &p);
}

/* ---- Standby ----------------------------------------------------------------------------------
 */

typedef struct following {
    mun_source source;
    mun_standby *standby;
    mun_standby_step step;
} following;

static following follow_begin(const places *p)
{
    following f = {.source = mun_source_folder(p->out)};
    must(mun_standby_open(p->copy, &f.source, NULL, &f.standby, err));
    return f;
}

static void follow(following *f)
{
    must(mun_standby_follow(f->standby, &f->step, err));
}

static mun_error follow_fails(following *f, mun_code code)
{
    mun_error why = {0};
    mun_code got = mun_standby_follow(f->standby, &f->step, &why);
    if (got != code) fail_msg("%s, not %s: %s", mun_code_name(got), mun_code_name(code), why.text);
    return why;
}

static void follow_end(following *f)
{
    must(mun_standby_close(f->standby, err));
    f->standby = NULL;
}

static void same_entries(world *w, const char *copy)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.read_only = true};
    must(mun_ledger_open(copy, &options, &ledger, err));
    mun_tree tree = mun_ledger_tree(w->ledger), copied = mun_ledger_tree(ledger);
    assert_int_equal(copied.size, tree.size);
    assert_memory_equal(copied.root, tree.root, MUN_HASH_SIZE);
    for (uint64_t i = 0; i < tree.size; i++) {
        uint64_t a = 0, b = 0;
        MUN_BUF_AUTO mun_buf one = mun_buf_growable(MUN_STATEMENT_MAX);
        MUN_BUF_AUTO mun_buf two = mun_buf_growable(MUN_STATEMENT_MAX);
        must(mun_ledger_entry(w->ledger, i, &one, &a, err));
        must(mun_ledger_entry(ledger, i, &two, &b, err));
        assert_int_equal(a, b);
        assert_true(mun_slice_equal(mun_buf_slice(&one), mun_buf_slice(&two)));
    }
    must(mun_ledger_close(ledger, err));
    must(mun_ledger_fsck(copy, true, NULL, NULL, err));
}

/* What was appended is published by a thread of its own, a moment later. */
static void reader_reaches(mun_ledger *reader, uint64_t size)
{
    for (int i = 0; i < 60000 && mun_ledger_tree(reader).size < size; i++) {
        must(mun_ledger_refresh(reader, err));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(mun_ledger_tree(reader).size, size);
}

/* [EXP-10]: everything but the cut of the batches; readers see it grow. */
static void a_standby_follows(void **state)
{
    world *w = *state;
    places p = places_of(w);
    fill(w, 0, 20);
    back_up(w, &p);
    following f = follow_begin(&p);
    follow(&f);
    assert_int_equal(f.step.tree.size, 22);
    mun_ledger *reader = NULL;
    mun_ledger_open_options options = {.read_only = true};
    must(mun_ledger_open(p.copy, &options, &reader, err));
    assert_true(mun_ledger_is_copy(reader));
    for (unsigned step = 1; step <= 4; step++) {
        fill(w, 20 + step * 200, 100 + step * 37);
        world_issuer_add(w, "https://more.example", &w->other);
        back_up(w, &p);
        follow(&f);
        assert_int_equal(f.step.tree.size, mun_ledger_tree(w->ledger).size);
        reader_reaches(reader, f.step.tree.size);
        MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(4096);
        must(mun_ledger_checkpoint(reader, &checkpoint, err));
    }
    follow(&f);
    assert_int_equal(f.step.size_before, f.step.tree.size);
    must(mun_ledger_close(reader, err));
    follow_end(&f);
    same_entries(w, p.copy);
    f = follow_begin(&p); /* and goes on after a pause */
    fill(w, 2000, 3);
    back_up(w, &p);
    follow(&f);
    follow_end(&f);
    same_entries(w, p.copy);
}

/* [EXP-11] */
static void damaged_sources_give_nothing(void **state)
{
    static const struct {
        const char *name;
        size_t at;
    } cases[] = {{"tile/0/001.p/46", 40},

                 {"tile/0/000", 8000},
                 {"tile/entries/000", 60000},
                 {"tile/entries/001.p/46", 40}};
    world *w = *state;
    places p = places_of(w);
    fill(w, 0, 20);
    back_up(w, &p);
    following f = follow_begin(&p);
    fill(w, 20, 280);
    back_up(w, &p);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MUN_BUF_AUTO mun_buf kept = mun_buf_growable(FILE_MAX);
        read_file(p.out, cases[i].name, &kept);
        flip(p.out, cases[i].name, cases[i].at < kept.len ? cases[i].at : kept.len / 2);
        mun_error why = {0};
        mun_code code = mun_standby_follow(f.standby, &f.step, &why);
        if (code != MUN_E_AGAIN)
            fail_msg("%s: %s %s", cases[i].name, mun_code_name(code), why.text);
        write_file(p.out, cases[i].name, mun_buf_slice(&kept));
    }
    flip(p.out, "commits", 4090);
    follow_fails(&f, MUN_E_INVALID);
    flip(p.out, "commits", 4090);
    follow(&f);
    assert_int_equal(f.step.tree.size, 302);
    follow_end(&f);
    same_entries(w, p.copy);
}

/* [EXP-12] */
static void an_older_source_takes_nothing_back(void **state)
{
    world *w = *state;
    places p = places_of(w);
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(4096);
    fill(w, 0, 20);
    back_up(w, &p);
    read_file(p.out, "checkpoint", &checkpoint);
    fill(w, 20, 20);
    back_up(w, &p);
    following f = follow_begin(&p);
    write_file(p.out, "checkpoint", mun_buf_slice(&checkpoint));
    follow(&f);
    assert_int_equal(f.step.tree.size, 42);
    assert_int_equal(f.step.source_size, 22);
    follow_end(&f);
    assert_int_equal(tree_at(p.copy).size, 42);
}

static void fork_is_told(following *f, const places *p, const mun_buf *theirs)
{
    char name[64];
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(FILE_MAX);
    MUN_BUF_AUTO mun_buf ours = mun_buf_growable(4096);
    mun_error why = follow_fails(f, MUN_E_INVALID);
    assert_non_null(strstr(why.text, "TWO HISTORIES"));
    const char *named = strstr(why.text, "fork-");
    assert_non_null(named);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(named, ","), named);
    read_file(p->copy, name, &text);
    read_file(p->copy, "checkpoint", &ours);
    mun_buf_u8(&text, 0);
    mun_buf_u8(&ours, 0);
    assert_non_null(strstr((char *)text.ptr, (char *)ours.ptr));
    assert_non_null(strstr((char *)text.ptr, (char *)theirs->ptr));
}

/* [EXP-13]: with more, with less and with as many entries as the standby holds. */
static void two_histories_are_kept_as_evidence(void **state)
{
    world *w = *state;
    places p = places_of(w);
    char twin[MUN_PATH_BYTES_MAX + 16];
    fill(w, 0, 10);
    world_close(w);
    twin_make(w, twin);
    world_open(w);
    fill(w, 10, 300);
    back_up(w, &p);
    following f = follow_begin(&p);
    follow(&f);
    world_close(w);
    must(mun_dir_remove_all(p.out, err));
    snprintf(w->path, sizeof w->path, "%s", twin);
    world_open(w);
    static const unsigned more[] = {20, 280, 300};
    unsigned next = 1000;
    for (size_t i = 0; i < 3; i++) {
        fill(w, next, more[i]);
        next += more[i];
        back_up(w, &p);
        MUN_BUF_AUTO mun_buf theirs = mun_buf_growable(4096);
        read_file(p.out, "checkpoint", &theirs);
        mun_buf_u8(&theirs, 0);
        fork_is_told(&f, &p, &theirs);
    }
    follow_end(&f);
    assert_int_equal(tree_at(p.copy).size, 312);
    must(mun_ledger_fsck(p.copy, true, NULL, NULL, err));
}

/* [EXP-14]: the original was made to append what it must not admit. */
static void what_may_not_stand_there_is_not_taken(void **state)
{
    world *w = *state;
    places p = places_of(w);
    made statement;
    mun_statement parsed;
    mun_appended appended;
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    fill(w, 0, 10);
    back_up(w, &p);
    following f = follow_begin(&p);
    fill(w, 10, 3);
    world_sign(&w->other, "https://nobody.example", "subject", 1, &statement);
    must(mun_statement_parse(made_slice(&statement), &parsed, err));
    must(mun_statement_entry(&parsed, &entry, err));
    mun_slice bytes = mun_buf_slice(&entry);
    must(mun_log_append(w->ledger->log, &bytes, 1, &appended, NULL, err));
    back_up(w, &p);
    mun_error why = follow_fails(&f, MUN_E_INVALID);
    assert_non_null(strstr(why.text, "entry 15"));
    follow_end(&f);
    assert_true(tree_at(p.copy).size <= 15);
}

static void only_copies_follow(void **state)
{
    world *w = *state;
    places p = places_of(w);
    mun_error why = {0};
    mun_standby *standby = NULL;
    back_up(w, &p);
    mun_source source = mun_source_folder(p.out);
    world_close(w);
    assert_int_equal(mun_standby_open(w->path, &source, NULL, &standby, &why), MUN_E_USAGE);
    following f = follow_begin(&p);
    assert_int_equal(mun_ledger_adopt(p.copy, NULL, &why), MUN_E_BUSY);
    follow_end(&f);
    must(mun_ledger_adopt(p.copy, NULL, err));
    assert_int_equal(mun_standby_open(p.copy, &source, NULL, &standby, &why), MUN_E_USAGE);
    world_open(w);
}

/* A standby whose original is gone becomes the ledger, under the original's keys. */
static void a_standby_is_promoted(void **state)
{
    world *w = *state;
    places p = places_of(w);
    MUN_BUF_AUTO mun_buf pem = mun_buf_growable(65536);
    fill(w, 0, 20);
    back_up(w, &p);
    following f = follow_begin(&p);
    follow_end(&f);
    read_file(w->path, "keys/receipts.pem", &pem);
    world_close(w);
    must(mun_ledger_adopt(
        p.copy, &(mun_ledger_adopt_options){.old_receipts_key_pem = mun_buf_slice(&pem)}, err));
    snprintf(w->path, sizeof w->path, "%s", p.copy);
    world_open(w);
    fill(w, 20, 5);
    mun_ledger_status status;
    must(mun_ledger_status_get(w->ledger, &status, err));
    assert_false(status.copy);
    assert_false(status.self_announced);
}

/* ---- Hand-over --------------------------------------------------------------------------------
 */

static void read_pub(const world *w, const char *folder, const char *name, mun_buf *text,
                     mun_ledger_pub *ret)
{
    read_file(folder, name, text);
    must(mun_ledger_pub_parse(&w->crypto, mun_buf_slice(text), ret, err));
}

static void standby_prepare(world *w, const places *p)
{
    back_up(w, p);
    following f = follow_begin(p);
    follow_end(&f);
    must(mun_ledger_adopt(p->copy, &(mun_ledger_adopt_options){.prepare = true}, err));
    must(mun_ledger_adopt(p->copy, &(mun_ledger_adopt_options){.prepare = true}, err));
}

static void no_signature_here(const char *path)
{
    mun_error why = {0};
    mun_ledger *ledger = NULL;
    MUN_BUF_AUTO mun_buf out = mun_buf_growable(1u << 20);
    must(mun_ledger_open(path, NULL, &ledger, err));
    assert_true(mun_ledger_is_copy(ledger));
    assert_int_equal(mun_ledger_receipt(ledger, 1, &out, &why), MUN_E_REFUSED);
    must(mun_ledger_checkpoint(ledger, &out, err)); /* the last one, by the old key */
    must(mun_ledger_close(ledger, err));
    must(mun_ledger_fsck(path, true, NULL, NULL, err));
}

/* [POL-17]: one history, and nobody adopts it who was not named. */
static void a_ledger_is_handed_over(void **state)
{
    world *w = *state;
    places p = places_of(w);
    mun_error why = {0};
    mun_tree last, again;
    mun_ledger_pub pub;
    char original[MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(4096);
    fill(w, 0, 20);
    standby_prepare(w, &p);
    fill(w, 20, 5);
    assert_int_equal(mun_ledger_adopt(p.copy, NULL, &why), MUN_E_REFUSED);
    assert_non_null(strstr(why.text, "handover"));
    read_pub(w, p.copy, "ledger.pub.new", &text, &pub);
    assert_int_equal(mun_ledger_handover(w->path, &pub, (mun_slice){0}, &last, &why), MUN_E_BUSY);
    world_close(w);
    assert_int_equal(mun_ledger_handover(p.copy, &pub, (mun_slice){0}, &last, &why), MUN_E_REFUSED);
    must(mun_ledger_handover(w->path, &pub, (mun_slice){0}, &last, err));
    assert_int_equal(last.size, 28);
    must(mun_ledger_handover(w->path, &pub, (mun_slice){0}, &again, err));
    assert_memory_equal(&last, &again, sizeof last);
    no_signature_here(w->path);
    memcpy(original, w->path, sizeof original);
    w->ledger = world_open_with(w, &(mun_ledger_open_options){.read_only = true});
    back_up(w, &p);
    world_close(w);
    following f = follow_begin(&p);
    follow(&f);
    assert_int_equal(f.step.tree.size, 28);
    follow(&f); /* the old key's checkpoint is still good for the tree that ends its time */
    follow_end(&f);
    must(mun_ledger_adopt(p.copy, NULL, err));
    snprintf(w->path, sizeof w->path, "%s", p.copy);
    world_open(w);
    assert_int_equal(mun_ledger_tree(w->ledger).size, 28);
    fill(w, 100, 5);
    mun_ledger_status status;
    must(mun_ledger_status_get(w->ledger, &status, err));
    assert_false(status.copy || status.self_announced);
    assert_int_equal(mun_ledger_handover(original, &pub, (mun_slice){0}, &again, &why), MUN_OK);
    assert_memory_equal(&last, &again,
                        sizeof last); /* it knows of nothing newer, and adds nothing */
}

static void checkpoint_at(world *w, const char *folder, mun_signing_key *key, uint64_t size,
                          const uint8_t root[MUN_HASH_SIZE])
{
    mun_checkpoint checkpoint = {.origin = MUN_LITERAL(WORLD_ORIGIN), .size = size};
    MUN_BUF_AUTO mun_buf note = mun_buf_growable(4096);
    memcpy(checkpoint.root, root, MUN_HASH_SIZE);
    must(mun_checkpoint_sign(&w->crypto, &checkpoint, &key->signer, &note, err));
    write_file(folder, "checkpoint", mun_buf_slice(&note));
}

/* [POL-17]: a key that was replaced signs no tree beyond the entry that did it. */
static void a_replaced_key_signs_nothing_new(void **state)
{
    world *w = *state;
    places p = places_of(w);
    mun_tree last;
    mun_ledger_pub pub;
    mun_signing_key old;
    char path[2 * MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(4096);
    fill(w, 0, 10);
    standby_prepare(w, &p);
    snprintf(path, sizeof path, "%s/keys/checkpoints.pem", w->path);
    must(mun_signing_key_read(path, (mun_slice){0}, &old, err));
    read_pub(w, p.copy, "ledger.pub.new", &text, &pub);
    world_close(w);
    must(mun_ledger_handover(w->path, &pub, (mun_slice){0}, &last, err));
    w->ledger = world_open_with(w, &(mun_ledger_open_options){.read_only = true});
    back_up(w, &p);
    world_close(w);
    following f = follow_begin(&p);
    follow(&f);
    checkpoint_at(w, p.out, &old, last.size + 1, last.root);
    mun_error why = follow_fails(&f, MUN_E_INVALID);
    assert_non_null(strstr(why.text, "not signed by the key"));
    checkpoint_at(w, p.out, &w->other, last.size + 1, last.root);
    follow_fails(&f, MUN_E_INVALID);
    follow_end(&f);
    mun_signing_key_free(&old);
    world_open(w);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(a_backup_grows_with_the_ledger),
        listed(a_backup_heals_what_is_missing),
        listed(an_interrupted_run_leaves_the_old_backup),
        listed(a_stranger_in_the_folder_is_left_alone),
        listed(other_histories_are_refused),
        listed(a_damaged_ledger_is_not_backed_up),
        listed(a_standby_follows),
        listed(damaged_sources_give_nothing),
        listed(an_older_source_takes_nothing_back),
        listed(two_histories_are_kept_as_evidence),
        listed(what_may_not_stand_there_is_not_taken),
        listed(only_copies_follow),
        listed(a_standby_is_promoted),
        listed(a_ledger_is_handed_over),
        listed(a_replaced_key_signs_nothing_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
