/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full disk: registration is refused cleanly, nothing acknowledged is lost, and on it goes when
 * there is room, without opening again. Needs a small file system of its own, so root; otherwise
 * the test is skipped and says so.
 */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { STATEMENTS = 3000 };

typedef struct small_disk {
    char path[MUN_PATH_BYTES_MAX + 16];
    char filler[MUN_PATH_BYTES_MAX + 32];
} small_disk;

static bool mounted(const small_disk *disk)
{
    must(mun_dir_make(disk->path, err));
    if (mount("tmpfs", disk->path, "tmpfs", 0, "size=6m") == 0) return true;
    print_message("no small file system can be mounted here (it takes root)\n");
    return false;
}

static void fill_up(const small_disk *disk)
{
    static const char zeros[65536];
    mun_fs_info info;
    FILE *file = fopen(disk->filler, "ab");
    assert_non_null(file);
    setbuf(file, NULL);
    do {
        must(mun_fs_look(disk->path, &info, err));
    } while (info.free > 0 && fwrite(zeros, 1, sizeof zeros, file) == sizeof zeros);
    fclose(file);
}

/* Registers until one is refused for want of room; how many were acknowledged. */
static unsigned register_until_refused(world *w, unsigned first)
{
    unsigned n = first;
    for (; n < STATEMENTS; n++) {
        made statement;
        mun_registration result = {0};
        mun_error why = {0};
        world_statement(w, n, &statement);
        mun_slice bytes = made_slice(&statement);
        mun_code code = mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, &why);
        if (code == MUN_OK) code = result.code;
        if (code == MUN_OK) continue;
        if (code != MUN_E_NO_SPACE && code != MUN_E_AGAIN) {
            fail_msg("%s: %s %s", mun_code_name(code), why.text, result.error.text);
        }
        assert_int_equal(mun_code_exit(code), 75); /* try again */
        break;
    }
    return n;
}

enum { LARGE = 160, LARGE_SUBJECT = 8000 }; /* more than a part, 1 MiB */

/* A call that is appended in parts, the first of which also has what is on the log already: who is
 * told that all is well has a receipt. */
static void no_success_without_receipt(world *w, const made *known)
{
    made *large = malloc(LARGE * sizeof *large);
    char *subject = calloc(1, LARGE_SUBJECT + 1);
    mun_slice statements[LARGE];
    mun_registration result[LARGE] = {{0}};
    mun_buf receipts[LARGE];
    mun_error why;
    assert_true(large != NULL && subject != NULL);
    memset(subject, 's', LARGE_SUBJECT);
    for (unsigned i = 0; i < LARGE; i++) {
        if (i > 0) world_sign(&w->issuer, WORLD_ISSUER, subject, i, &large[i]);
        if (i == 0) large[i] = *known;
        statements[i] = made_slice(&large[i]);
        receipts[i] = mun_buf_growable(65535);
    }
    mun_code code = mun_ledger_register(w->ledger, statements, LARGE, result, receipts, &why);
    for (unsigned i = 0; code == MUN_OK && i < LARGE; i++) {
        assert_true(result[i].code == MUN_OK ? receipts[i].len > 0 : receipts[i].len == 0);
    }
    for (unsigned i = 0; i < LARGE; i++) mun_buf_free(&receipts[i]);
    free(subject);
    free(large);
}

static void goes_on_when_there_is_room(world *w, const small_disk *disk)
{
    made known;
    world_statement(w, 0, &known);
    world_register(w, &known);
    unsigned acknowledged = register_until_refused(w, 1);
    assert_true(acknowledged < STATEMENTS);
    no_success_without_receipt(w, &known);
    uint64_t size = mun_ledger_tree(w->ledger).size;
    assert_int_equal(size, 2 + acknowledged);
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_report report;
    must(mun_ledger_evidence(w->ledger, size - 1, &evidence, err)); /* reading goes on */
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), acknowledged - 1, &report), 0);
    must(mun_file_remove(disk->filler, err));
    unsigned more = acknowledged;
    for (int tries = 0; tries < 1000 && more < acknowledged + 50; tries++) {
        made statement;
        mun_registration result = {0};
        mun_error why;
        world_statement(w, more, &statement);
        mun_slice bytes = made_slice(&statement);
        mun_code code = mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, &why);
        if (code == MUN_OK && result.code == MUN_OK)
            more++;
        else
            usleep(50000);
    }
    assert_int_equal(more, acknowledged + 50);
    world_close(w);
    must(mun_ledger_fsck(w->path, true, NULL, NULL, err));
}

static void full_disk(void **state)
{
    world *w = *state;
    small_disk disk;
    char before[MUN_PATH_BYTES_MAX];
    snprintf(disk.path, sizeof disk.path, "%s/disk", w->folder);
    snprintf(disk.filler, sizeof disk.filler, "%s/filler", disk.path);
    if (!mounted(&disk)) skip();
    world_close(w);
    memcpy(before, w->path, sizeof before);
    snprintf(w->path, sizeof w->path, "%.4000s/ledger", disk.path);
    world_make(w, false, 0);
    world_open(w);
    world_issuer_add(w, WORLD_ISSUER, &w->issuer);
    fill_up(&disk);
    goes_on_when_there_is_room(w, &disk);
    memcpy(w->path, before, sizeof before);
}

/* Also after a failure, or the file system would outlive the test. */
static int unmount_and_tear_down(void **state)
{
    const world *w = *state;
    char path[MUN_PATH_BYTES_MAX + 16];
    snprintf(path, sizeof path, "%s/disk", w->folder);
    (void)umount2(path, MNT_DETACH);
    return world_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_disk, world_set_up, unmount_and_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
