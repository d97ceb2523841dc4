/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flipped bit in any file of a small ledger: it is detected by an error that names the file, or
 * it is harmless and every answer is the one that the sound ledger gives. Never another answer,
 * never a shorter log without an error. Once for a ledger closed cleanly, once for one that was
 * killed with batches in its journal.
 *
 * A seeded sample of the bits; with MUN_LONG every bit of the small files and a larger sample of
 * the others.
 */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include "log/store.h"
#include "vfs/vfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES     300 /* a full tile, and a part of one */
#define WAITING     9   /* of them in the journal only, in the killed ledger */
#define FILES_MAX   24
#define ANSWERS_MAX 512
#define SAMPLED     29 /* every so many entries are asked about in every way */

/* ---- the files ---------------------------------------------------------------------------------
 */

typedef struct kept_file {
    char name[64];
    uint8_t *bytes;
    size_t len;
    uint32_t *place; /* bytes that are not in the middle of zero padding */
    size_t places;
    unsigned detected, harmless;
} kept_file;

typedef struct kept {
    kept_file file[FILES_MAX];
    size_t count;
} kept;

/* Not part of what is kept: whose text says nothing, and what SQLite makes beside a database. */
static bool is_left_out(const char *name)
{
    size_t len = strlen(name);
    return strcmp(name, "lock") == 0 || (len > 4 && strcmp(name + len - 4, "-shm") == 0) ||
           (len > 4 && strcmp(name + len - 4, "-wal") == 0);
}

static void find_places(kept_file *f)
{
    f->place = malloc((f->len + 1) * sizeof *f->place);
    for (size_t chunk = 0; chunk < f->len; chunk += 32) {
        size_t end = chunk + 32 < f->len ? chunk + 32 : f->len;
        bool zero = true;
        for (size_t i = chunk; i < end && zero; i++) zero = f->bytes[i] == 0;
        for (size_t i = chunk; i < end && !zero; i++) f->place[f->places++] = (uint32_t)i;
    }
}

static mun_code keep_one(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    kept *k = ctx;
    if (is_left_out(entry->relative)) return MUN_OK;
    assert_true(k->count < FILES_MAX);
    kept_file *f = &k->file[k->count++];
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(4u << 20);
    MUN_TRY(mun_file_read(entry->path, 4u << 20, &bytes, err));
    snprintf(f->name, sizeof f->name, "%s", entry->relative);
    f->len = bytes.len;
    f->bytes = malloc(bytes.len + 1);
    if (bytes.len > 0) memcpy(f->bytes, bytes.ptr, bytes.len);
    find_places(f);
    return MUN_OK;
}

static void keep(const world *w, kept *ret)
{
    mun_walk walk = {.ctx = ret, .file = keep_one};
    *ret = (kept){0};
    must(mun_dir_walk(w->path, &walk, err));
}

static void release(kept *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free(k->file[i].bytes);
        free(k->file[i].place);
    }
}

static void put_bytes(const world *w, const kept_file *f)
{
    char path[MUN_PATH_BYTES_MAX];
    world_file(w, f->name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->bytes, f->len), f->len);
    close(fd);
}

static void remove_if_there(const world *w, const char *name)
{
    char path[MUN_PATH_BYTES_MAX];
    world_file(w, name, path);
    unlink(path);
}

static void put_back(const world *w, const kept *k)
{
    for (size_t i = 0; i < k->count; i++) put_bytes(w, &k->file[i]);
    remove_if_there(w, "index.sqlite-wal");
    remove_if_there(w, "index.sqlite-shm");
    remove_if_there(w, "index.sqlite-journal");
}

static void flip(const world *w, const kept_file *f, size_t at, unsigned bit)
{
    char path[MUN_PATH_BYTES_MAX];
    uint8_t byte = (uint8_t)(f->bytes[at] ^ (1u << bit));
    world_file(w, f->name, path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* ---- questions and answers ---------------------------------------------------------------------
 */

typedef struct answer {
    mun_code code;
    bool found; /* by the index */
    uint8_t digest[MUN_HASH_SIZE];
} answer;

typedef struct reading {
    answer answer[ANSWERS_MAX];
    size_t count;
    mun_error first; /* failure */
} reading;

/* What is trusted from before, by whoever asks. */
typedef struct asker {
    world *w;
    mun_ledger *ledger;
    mun_public_key receipts, checkpoints;
    uint8_t leaf[ENTRIES][MUN_HASH_SIZE];
    uint64_t time[ENTRIES];
    bool index; /* ask for what the index finds */
    reading *into;
} asker;

static void note(asker *a, mun_code code, const mun_error *err, const mun_buf *bytes)
{
    reading *r = a->into;
    assert_true(r->count < ANSWERS_MAX);
    answer *to = &r->answer[r->count++];
    *to = (answer){.code = code};
    if (code == MUN_OK) {
        mun_slice all = mun_slice_of(bytes->ptr, bytes->len);
        a->w->crypto.sha256(a->w->crypto.ctx, &all, 1, to->digest);
    } else if (r->first.code == MUN_OK) {
        r->first = *err;
    }
}

static mun_code add_entry(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                          mun_error *err)
{
    (void)err;
    mun_buf *all = ctx;
    mun_buf_u64(all, index);
    mun_buf_u64(all, time_ms);
    mun_buf_u64(all, entry.len);
    mun_buf_put(all, entry);
    return MUN_OK;
}

typedef struct finding {
    const asker *a;
    mun_buf all;
} finding;

/* A damaged index may lose a row; what it shows is right all the same [IDX-3]. */
static mun_code add_found(void *ctx, const mun_found *found, mun_error *err)
{
    finding *f = ctx;
    mun_hash leaf;
    mun_hash_leaf(&f->a->w->crypto, found->entry, &leaf);
    assert_true(found->index < ENTRIES);
    assert_memory_equal(leaf.bytes, f->a->leaf[found->index], MUN_HASH_SIZE);
    assert_int_equal(found->time_ms, f->a->time[found->index]);
    return add_entry(&f->all, found->index, found->time_ms, found->entry, err);
}

static mun_code add_issuer(void *ctx, mun_slice iss, const mun_issuer_key *key, uint64_t added,
                           mun_error *err)
{
    (void)err;
    mun_buf_put(ctx, iss);
    mun_buf_put(ctx, mun_slice_of(key->key.x, key->key.x_len));
    mun_buf_u64(ctx, added);
    return MUN_OK;
}

static void ask_whole(asker *a)
{
    mun_error why = {0};
    MUN_BUF_AUTO mun_buf all = mun_buf_growable(4u << 20);
    mun_tree tree = mun_ledger_tree(a->ledger);
    mun_buf_u64(&all, tree.size);
    mun_buf_put(&all, mun_slice_of(tree.root, sizeof tree.root));
    note(a, MUN_OK, NULL, &all);
    mun_code code = mun_ledger_iterate(a->ledger, 0, tree.size, add_entry, &all, &why);
    note(a, code, &why, &all);
    mun_buf_clear(&all);
    code = mun_ledger_issuers(a->ledger, add_issuer, &all, &why);
    note(a, code, &why, &all);
}

/* A receipt is right when it verifies under the key from before; its signature differs each time.
 */
static void ask_receipt(asker *a, uint64_t i)
{
    mun_error why = {0};
    mun_receipt receipt;
    uint8_t root[MUN_HASH_SIZE];
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(65536);
    mun_code code = mun_ledger_receipt(a->ledger, i, &bytes, &why);
    if (code == MUN_OK) {
        must(mun_receipt_parse(mun_buf_slice(&bytes), &receipt, err));
        must(mun_receipt_check(&a->w->crypto, &receipt, a->leaf[i], &a->receipts, root, err));
        mun_buf_u64(&bytes, (uint64_t)receipt.iat);
        memmove(bytes.ptr, bytes.ptr + bytes.len - 8, 8);
        bytes.len = 8;
        mun_buf_put(&bytes, mun_slice_of(root, sizeof root));
    }
    note(a, code, &why, &bytes);
}

static void ask_evidence(asker *a, uint64_t i)
{
    mun_error why = {0};
    mun_report report;
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_slice origin = MUN_LITERAL(WORLD_ORIGIN);
    mun_trusted_key keys[] = {
        {.role = MUN_ROLE_ISSUER,
         .name = MUN_LITERAL(WORLD_ISSUER),
         .key = a->w->issuer.signer.key,
         .trusted = true},
        {.role = MUN_ROLE_LEDGER, .name = origin, .key = a->receipts, .trusted = true},
        {.role = MUN_ROLE_LEDGER, .name = origin, .key = a->checkpoints, .trusted = true},
    };
    mun_code code = mun_ledger_evidence(a->ledger, i, &bytes, &why);
    if (code == MUN_OK) {
        mun_verify_input input = {.evidence = mun_buf_slice(&bytes), .keys = keys, .keys_len = 3};
        must(mun_verify(&a->w->crypto, &input, &report, NULL, err));
        mun_buf_clear(&bytes);
        mun_buf_u64(&bytes, (uint64_t)report.verdict);
        mun_buf_u64(&bytes, (uint64_t)report.registered);
    }
    note(a, code, &why, &bytes);
}

static void ask_entry(asker *a, uint64_t i)
{
    mun_error why = {0};
    uint64_t time_ms = 0, index = 0;
    size_t len = 0;
    uint8_t path[64][MUN_HASH_SIZE];
    uint8_t root[MUN_HASH_SIZE];
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(65536);
    mun_code code = mun_ledger_entry(a->ledger, i, &bytes, &time_ms, &why);
    mun_buf_u64(&bytes, time_ms);
    note(a, code, &why, &bytes);
    mun_buf_clear(&bytes);
    code = mun_ledger_lookup(a->ledger, a->leaf[i], &index, &why);
    mun_buf_u64(&bytes, index);
    note(a, code, &why, &bytes);
    mun_buf_clear(&bytes);
    code = mun_ledger_root(a->ledger, i + 1, root, &why);
    mun_buf_put(&bytes, mun_slice_of(root, sizeof root));
    note(a, code, &why, &bytes);
    mun_buf_clear(&bytes);
    code = mun_ledger_inclusion(a->ledger, i, ENTRIES, path, &len, &why);
    if (code == MUN_OK) mun_buf_put(&bytes, mun_slice_of(path[0], len * MUN_HASH_SIZE));
    note(a, code, &why, &bytes);
}

static void ask_index(asker *a, const mun_query *query)
{
    mun_error why = {0};
    finding f = {.a = a, .all = mun_buf_growable(4u << 20)};
    mun_code code = mun_ledger_find(a->ledger, query, add_found, &f, &why);
    note(a, code, &why, &f.all);
    a->into->answer[a->into->count - 1].found = true;
    mun_buf_free(&f.all);
}

static void ask_finds(asker *a)
{
    uint8_t digest[MUN_HASH_SIZE];
    world_digest(a->w, 40, digest);
    ask_index(a, &(mun_query){.iss = MUN_LITERAL(WORLD_ISSUER)});
    ask_index(a, &(mun_query){.sub = MUN_LITERAL("subject 17")});
    ask_index(a, &(mun_query){.digest = mun_slice_of(digest, sizeof digest)});
    ask_index(a, &(mun_query){.since_ms = WORLD_START + 30000, .until_ms = WORLD_START + 90000});
    ask_index(a, &(mun_query){.have_after = true, .after = 250, .limit = 20});
}

static void ask_everything(asker *a)
{
    mun_error why = {0};
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(4096);
    ask_whole(a);
    for (uint64_t i = 0; i < ENTRIES; i += SAMPLED) ask_entry(a, i);
    for (uint64_t i = 2; i < ENTRIES; i += 99) {
        ask_receipt(a, i);
        ask_evidence(a, i);
    }
    mun_code code = mun_ledger_checkpoint(a->ledger, &checkpoint, &why);
    note(a, code, &why, &checkpoint);
    if (a->index) ask_finds(a);
}

/* Opens, asks, closes. The code of opening when that fails. */
static mun_code read_ledger(asker *a, bool read_only, reading *ret)
{
    mun_ledger_open_options options = {.read_only = read_only, .no_index = !a->index};
    *ret = (reading){0};
    a->into = ret;
    mun_code code = mun_ledger_open(a->w->path, &options, &a->ledger, &ret->first);
    if (code != MUN_OK) return code;
    ask_everything(a);
    return mun_ledger_close(a->ledger, &ret->first);
}

/* ---- what fsck says ----------------------------------------------------------------------------
 */

typedef struct said {
    mun_code code;
    char files[512]; /* of all findings */
    mun_error err;
} said;

static void hear(void *ctx, const char *file, uint64_t offset, uint64_t entry, const char *sentence)
{
    said *s = ctx;
    (void)offset, (void)entry;
    size_t at = strlen(s->files);
    snprintf(s->files + at, sizeof s->files - at, "%s ", file);
    assert_true(strlen(sentence) > 10);
}

static void check(const world *w, bool deep, said *ret)
{
    *ret = (said){0};
    mun_watch watch = {.ctx = ret, .finding = hear};
    ret->code = mun_ledger_fsck(w->path, deep, &watch, NULL, &ret->err);
}

/* Whether a sentence or a list of files leads to the file. */
static bool names(const char *text, const char *file)
{
    return strstr(text, file) != NULL ||
           (strncmp(file, "hashes/", 7) == 0 && strstr(text, "hashes"));
}

/* ---- one flip ----------------------------------------------------------------------------------
 */

typedef struct flipping {
    world *w;
    kept kept;
    asker asker;
    reading sound;
    bool killed;
    uint64_t random;
} flipping;

static uint64_t draw(flipping *f, uint64_t below)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random % below;
}

/* The same answers or errors; true when there is no error among them. A row that the index lost
 * is as good as an error when fsck has named the index. */
static bool compare(const flipping *f, const reading *now, bool index_named, const char *where)
{
    bool whole = true;
    assert_int_equal(now->count, f->sound.count);
    for (size_t i = 0; i < now->count; i++) {
        const answer *a = &now->answer[i];
        bool same = memcmp(a->digest, f->sound.answer[i].digest, MUN_HASH_SIZE) == 0;
        if (a->code == MUN_OK && same) continue;
        if (a->code == MUN_OK && !(a->found && index_named)) {
            fail_msg("%s: answer %zu is another one, and no error", where, i);
        }
        whole = false;
    }
    return whole;
}

/* Only the index, the keys and ledger.pub are looked at above the log. */
static bool needs_deep(const char *name)
{
    return strncmp(name, "index", 5) == 0 || strncmp(name, "keys/", 5) == 0 ||
           strcmp(name, "ledger.pub") == 0 || strcmp(name, "control") == 0;
}

static void judge(flipping *f, kept_file *file, size_t at, unsigned bit, bool as_writer)
{
    static said s;
    static reading now;
    char where[128];
    snprintf(where, sizeof where, "bit %u of byte %zu of %s", bit, at, file->name);
    check(f->w, needs_deep(file->name), &s);
    bool by_fsck = s.code != MUN_OK;
    if (by_fsck && !names(s.files, file->name) && !names(s.err.text, file->name)) {
        fail_msg("%s: fsck names `%s` (%s)", where, s.files, s.err.text);
    }
    mun_code code = read_ledger(&f->asker, !as_writer, &now);
    bool index_named = by_fsck && strcmp(file->name, "index.sqlite") == 0;
    bool whole = code == MUN_OK && compare(f, &now, index_named, where);
    if (!whole && !by_fsck && !names(now.first.text, file->name)) {
        fail_msg("%s: the error does not name it: %s", where, now.first.text);
    }
    if (whole && !by_fsck) {
        file->harmless++;
    } else {
        file->detected++;
    }
}

static void one_flip(flipping *f, kept_file *file, size_t at, unsigned bit)
{
    bool as_writer = draw(f, f->killed ? 2 : 4) == 0; /* a reader recovers, too, if need be */
    flip(f->w, file, at, bit);
    judge(f, file, at, bit, as_writer);
    put_back(f->w, &f->kept);
}

/* ---- which bits --------------------------------------------------------------------------------
 */

/* Bits flipped in a file; all that matter in one that has no more. */
static size_t sample_of(const kept_file *file)
{
    bool long_run = getenv("MUN_LONG") != NULL;
    if (strcmp(file->name, "journal") == 0) return long_run ? 6000 : 150;
    if (needs_deep(file->name)) return long_run ? 1500 : 20;
    return long_run ? 3000 : 50;
}

static void flip_file(flipping *f, kept_file *file)
{
    size_t sample = sample_of(file);
    if (file->places * 8 <= sample) {
        for (size_t i = 0; i < file->places * 8; i++) {
            one_flip(f, file, file->place[i / 8], (unsigned)(i % 8));
        }
    } else {
        for (size_t i = 0; i < sample; i++) {
            one_flip(f, file, file->place[draw(f, file->places)], (unsigned)draw(f, 8));
        }
    }
    /* and some of the padding */
    for (size_t i = 0; i < sample / 16 && file->places < file->len; i++) {
        one_flip(f, file, (size_t)draw(f, file->len), (unsigned)draw(f, 8));
    }
}

/* Truth and what fsck recomputes: no flipped bit may pass. */
static bool must_detect(const char *name)
{
    return strncmp(name, "entries/", 8) == 0 || strncmp(name, "hashes/", 7) == 0 ||
           strcmp(name, "offsets") == 0 || strcmp(name, "commits") == 0 ||
           strcmp(name, "format") == 0 || strcmp(name, "ledger.pub") == 0;
}

static void flip_all(flipping *f)
{
    for (size_t i = 0; i < f->kept.count; i++) {
        kept_file *file = &f->kept.file[i];
        if (f->killed && needs_deep(file->name)) continue; /* asked in the closed one */
        flip_file(f, file);
        print_message("%-20s %7zu bytes: %5u detected, %5u harmless\n", file->name, file->len,
                      file->detected, file->harmless);
        if (!f->killed && must_detect(file->name)) assert_int_equal(file->harmless, 0);
    }
}

/* ---- the two ledgers ---------------------------------------------------------------------------
 */

/* Registers entries from..to-1 (numbered from the genesis on), in calls of several sizes. */
static void fill(world *w, unsigned from, unsigned to)
{
    static made statement[16];
    mun_slice bytes[16];
    mun_registration result[16];
    for (unsigned i = from; i < to;) {
        unsigned n = 1 + i % 16;
        if (n > to - i) n = to - i;
        for (unsigned k = 0; k < n; k++) {
            world_statement(w, i + k, &statement[k]);
            bytes[k] = made_slice(&statement[k]);
        }
        w->now_ms += 1000 + i;
        must(mun_ledger_register(w->ledger, bytes, n, result, NULL, err));
        for (unsigned k = 0; k < n; k++) assert_int_equal(result[k].index, i + k);
        i += n;
    }
}

static void begin(flipping *f, world *w, bool killed)
{
    *f = (flipping){.w = w, .killed = killed, .random = UINT64_C(0x9e3779b97f4a7c15)};
    const mun_ledger_pub *pub = mun_ledger_identity(w->ledger);
    f->asker = (asker){
        .w = w, .receipts = pub->receipts, .checkpoints = pub->checkpoints, .index = !killed};
}

static mun_code keep_leaf(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                          mun_error *err)
{
    (void)err;
    asker *a = ctx;
    mun_hash leaf;
    mun_hash_leaf(&a->w->crypto, entry, &leaf);
    memcpy(a->leaf[index], leaf.bytes, MUN_HASH_SIZE);
    a->time[index] = time_ms;
    return MUN_OK;
}

static void keep_sound(flipping *f)
{
    world_open(f->w);
    must(mun_ledger_iterate(f->w->ledger, 0, ENTRIES, keep_leaf, &f->asker, err));
    world_close(f->w);
}

static void closed_ledger(void **state)
{
    static flipping f;
    static said s;
    world *w = *state;
    begin(&f, w, false);
    fill(w, 2, ENTRIES);
    world_close(w);
    keep_sound(&f);
    keep(w, &f.kept);
    check(w, true, &s);
    if (s.code != MUN_OK) fail_msg("before any flip: %s (%s)", s.err.text, s.files);
    assert_int_equal(read_ledger(&f.asker, true, &f.sound), MUN_OK);
    assert_int_equal(f.sound.first.code, MUN_OK);
    put_back(w, &f.kept);
    flip_all(&f);
    release(&f.kept);
}

static mun_code bytes_from(void *ctx, uint8_t *ret, size_t len)
{
    (void)ctx;
    memset(ret, 7, len);
    return MUN_OK;
}

/* The log by itself refuses to read what only its writer can restore. */
static void batches_wait(const mun_vfs *vfs)
{
    mun_log *log;
    mun_log_config config = {.vfs = vfs,
                             .origin = MUN_LITERAL(WORLD_ORIGIN),
                             .read_only = true,
                             .random = bytes_from,
                             .crypto_new = mun_native_crypto_new,
                             .crypto_free = mun_native_crypto_free};
    assert_int_equal(mun_log_open(&config, &log, NULL), MUN_E_AGAIN);
}

/* Three batches through the log's core: durable, in the streams and shown to readers, but the
 * process ends before a flush. */
static void commit_and_die(world *w)
{
    mun_vfs vfs;
    mun_store *store;
    made *statement = malloc(sizeof *statement);
    must(mun_vfs_posix_open(w->path, &vfs, err));
    mun_store_config config = {
        .vfs = &vfs, .origin = MUN_LITERAL(WORLD_ORIGIN), .random = bytes_from};
    must(mun_store_open(&config, &w->crypto, &store, err));
    for (unsigned i = ENTRIES - WAITING; i < ENTRIES; i += WAITING / 3) {
        mun_batch b;
        must(mun_batch_init(&b, 8192, WAITING, err));
        for (unsigned k = 0; k < WAITING / 3; k++) {
            world_statement(w, i + k, statement);
            assert_true(mun_batch_add(&b, made_slice(statement)));
        }
        w->now_ms += 1000;
        b.time_ms = w->now_ms;
        must(mun_store_write(store, &w->crypto, &b, err));
        must(mun_store_sync(store, &b, err));
        must(mun_store_follow(store, &w->crypto, &b, err));
        must(mun_store_publish(store, &w->crypto, err));
        mun_batch_finish(&b);
    }
    mun_store_close(store);
    batches_wait(&vfs);
    mun_vfs_posix_close(&vfs);
    free(statement);
}

static void killed_ledger(void **state)
{
    static flipping f;
    static said s;
    world *w = *state;
    begin(&f, w, true);
    fill(w, 2, ENTRIES - WAITING);
    world_close(w);
    commit_and_die(w);
    keep(w, &f.kept);
    check(w, false, &s);
    if (s.code != MUN_OK) fail_msg("before any flip: %s (%s)", s.err.text, s.files);
    keep_sound(&f);
    put_back(w, &f.kept);
    assert_int_equal(read_ledger(&f.asker, false, &f.sound), MUN_OK);
    assert_int_equal(f.sound.first.code, MUN_OK);
    put_back(w, &f.kept);
    flip_all(&f);
    release(&f.kept);
}

int main(void)
{
    /* Thousands of openings, none of which needs to be durable. */
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(closed_ledger, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(killed_ledger, world_set_up, world_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
