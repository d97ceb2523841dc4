/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store_journal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"

#define PREPARE_STEP (256u * MUN_LOG_BLOCK) /* zeros written at a time */

mun_code mun_aligned(size_t bytes, uint8_t **ret, mun_error *err)
{
    void *p = NULL;
    if (posix_memalign(&p, MUN_LOG_BLOCK, bytes) != 0) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for the journal");
    }
    *ret = p;
    return MUN_OK;
}

static mun_code open_handles(mun_journal *journal, unsigned mode, mun_error *err)
{
    const mun_vfs *vfs = journal->vfs;
    const unsigned flags = mode | MUN_OPEN_DIRECT;
    MUN_TRY(vfs->open(vfs->ctx, MUN_FILE_JOURNAL, flags, &journal->ring, err));
    return vfs->open(vfs->ctx, MUN_FILE_JOURNAL, flags, &journal->slots, err);
}

mun_code mun_journal_open(mun_journal *journal, const mun_vfs *vfs, unsigned mode, mun_error *err)
{
    journal->vfs = vfs;
    mun_code code = open_handles(journal, mode, err);
    uint64_t size = 0;
    if (code == MUN_OK) code = vfs->size(vfs->ctx, journal->ring, &size, err);
    if (code == MUN_E_NOT_FOUND) {
        code = mun_damage(err, MUN_FILE_JOURNAL, 0, MUN_NO_OFFSET, "the file is missing");
    }
    if (code == MUN_OK && (size <= MUN_LOG_RING_AT || size % MUN_LOG_BLOCK != 0)) {
        code = mun_damage(err, MUN_FILE_JOURNAL, size, MUN_NO_OFFSET,
                          "the file's length is not that of a journal");
    }
    if (code != MUN_OK) {
        mun_journal_close(journal);
        return code;
    }
    journal->blocks = (size - MUN_LOG_RING_AT) / MUN_LOG_BLOCK;
    return MUN_OK;
}

void mun_journal_close(mun_journal *journal)
{
    if (journal->vfs == NULL) return;
    journal->vfs->close(journal->vfs->ctx, journal->ring);
    journal->vfs->close(journal->vfs->ctx, journal->slots);
    journal->ring = NULL;
    journal->slots = NULL;
}

/* ---- superblocks -----------------------------------------------------------------------------*/

static mun_code choose(mun_journal *journal, const uint8_t *slots, const mun_hash *ledger_id,
                       const mun_crypto *crypto, mun_superblock *ret, uint8_t *ret_tails,
                       mun_error *err)
{
    mun_superblock best = {0};
    const uint8_t *best_slot = NULL;
    bool stranger = false;
    for (unsigned i = 0; i < MUN_LOG_SLOTS; i++) {
        const uint8_t *slot = slots + (size_t)i * MUN_LOG_SLOT_BYTES;
        mun_superblock sb;
        if (!mun_superblock_decode(slot, i, crypto, &sb)) continue;
        if (sb.ring_blocks != journal->blocks || sb.generation <= best.generation) continue;
        if (!mun_hash_equal(&sb.ledger_id, ledger_id)) {
            stranger = true;
            continue;
        }
        best = sb;
        best_slot = slot;
    }
    if (best_slot == NULL && stranger) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "journal: it belongs to a ledger of another name (origin)");
    }
    if (best_slot == NULL) {
        return mun_damage(err, MUN_FILE_JOURNAL, 0, MUN_NO_OFFSET,
                          "none of the superblocks is intact; restore the file from a backup");
    }
    *ret = best;
    memcpy(ret_tails, best_slot + MUN_LOG_BLOCK, (size_t)MUN_STREAMS * MUN_LOG_BLOCK);
    return MUN_OK;
}

mun_code mun_journal_superblock(mun_journal *journal, const mun_hash *ledger_id,
                                const mun_crypto *crypto, mun_superblock *ret, uint8_t *ret_tails,
                                mun_error *err)
{
    uint8_t *slots = NULL;
    size_t got = 0;
    MUN_TRY(mun_aligned(MUN_LOG_RING_AT, &slots, err));
    mun_code code =
        journal->vfs->read(journal->vfs->ctx, journal->slots, 0, slots, MUN_LOG_RING_AT, &got, err);
    if (code == MUN_OK && got != MUN_LOG_RING_AT) {
        code = mun_damage(err, MUN_FILE_JOURNAL, got, MUN_NO_OFFSET, "the file ends too early");
    }
    if (code == MUN_OK) code = choose(journal, slots, ledger_id, crypto, ret, ret_tails, err);
    free(slots);
    return code;
}

mun_code mun_journal_write_slot(mun_journal *journal, uint64_t generation, const uint8_t *slot,
                                mun_error *err)
{
    uint64_t at = generation % MUN_LOG_SLOTS * MUN_LOG_SLOT_BYTES;
    return journal->vfs->write(journal->vfs->ctx, journal->slots, at, slot, MUN_LOG_SLOT_BYTES,
                               err);
}

/* ---- the ring --------------------------------------------------------------------------------*/

mun_code mun_journal_write(mun_journal *journal, uint64_t lsn, const uint8_t *bytes,
                           uint64_t blocks, mun_error *err)
{
    const mun_vfs *vfs = journal->vfs;
    uint64_t place = lsn % journal->blocks;
    uint64_t before_end = journal->blocks - place;
    uint64_t head = blocks < before_end ? blocks : before_end;
    MUN_ASSERT(blocks <= journal->blocks);
    MUN_TRY(vfs->write(vfs->ctx, journal->ring, MUN_LOG_RING_AT + place * MUN_LOG_BLOCK, bytes,
                       (size_t)head * MUN_LOG_BLOCK, err));
    if (head == blocks) return MUN_OK;
    return vfs->write(vfs->ctx, journal->ring, MUN_LOG_RING_AT, bytes + head * MUN_LOG_BLOCK,
                      (size_t)(blocks - head) * MUN_LOG_BLOCK, err);
}

mun_code mun_journal_sync(mun_journal *journal, mun_file *handle, mun_error *err)
{
    mun_code code = journal->vfs->sync(journal->vfs->ctx, handle, err);
#ifdef MUN_FAULT_SYNC_RETRY
    if (code != MUN_OK) code = journal->vfs->sync(journal->vfs->ctx, handle, err);
#endif
    return code;
}

/* ---- a new journal ---------------------------------------------------------------------------*/

static mun_code write_zeros(const mun_vfs *vfs, mun_file *file, uint64_t len, mun_error *err)
{
    uint8_t *zeros = NULL;
    uint64_t step = len < PREPARE_STEP ? len : PREPARE_STEP;
    MUN_TRY(mun_aligned((size_t)step, &zeros, err));
    memset(zeros, 0, (size_t)step);
    mun_code code = MUN_OK;
    for (uint64_t at = 0; at < len && code == MUN_OK; at += step) {
        uint64_t n = len - at < step ? len - at : step;
        code = vfs->write(vfs->ctx, file, at, zeros, (size_t)n, err);
    }
    free(zeros);
    return code;
}

static mun_code write_first_superblock(const mun_vfs *vfs, mun_file *file, const mun_superblock *sb,
                                       const uint8_t *tails, const mun_crypto *crypto,
                                       mun_error *err)
{
    uint8_t *slot = NULL;
    MUN_TRY(mun_aligned(MUN_LOG_SLOT_BYTES, &slot, err));
    mun_superblock_encode(sb, tails, crypto, slot);
    uint64_t at = sb->generation % MUN_LOG_SLOTS * MUN_LOG_SLOT_BYTES;
    mun_code code = vfs->write(vfs->ctx, file, at, slot, MUN_LOG_SLOT_BYTES, err);
    if (code == MUN_OK) code = vfs->sync(vfs->ctx, file, err);
    free(slot);
    return code;
}

mun_code mun_journal_prepare(const mun_vfs *vfs, const mun_superblock *sb, const uint8_t *tails,
                             const mun_crypto *crypto, mun_error *err)
{
    mun_file *file;
    MUN_TRY(mun_journal_discard(vfs, err));
    MUN_TRY(vfs->open(vfs->ctx, MUN_FILE_JOURNAL_NEW,
                      MUN_OPEN_WRITE | MUN_OPEN_CREATE | MUN_OPEN_FRESH | MUN_OPEN_DIRECT, &file,
                      err));
    uint64_t len = MUN_LOG_RING_AT + sb->ring_blocks * MUN_LOG_BLOCK;
    mun_code code = write_zeros(vfs, file, len, err);
    if (code == MUN_OK) code = vfs->sync(vfs->ctx, file, err);
    if (code == MUN_OK) code = write_first_superblock(vfs, file, sb, tails, crypto, err);
    vfs->close(vfs->ctx, file);
    return code;
}

mun_code mun_journal_install(const mun_vfs *vfs, mun_error *err)
{
    MUN_TRY(vfs->rename(vfs->ctx, MUN_FILE_JOURNAL_NEW, MUN_FILE_JOURNAL, err));
#ifndef MUN_FAULT_NO_DIR_SYNC
    MUN_TRY(vfs->sync_dir(vfs->ctx, "", err));
#endif
    return MUN_OK;
}

mun_code mun_journal_discard(const mun_vfs *vfs, mun_error *err)
{
    mun_error unused;
    mun_code code = vfs->remove(vfs->ctx, MUN_FILE_JOURNAL_NEW, &unused);
    if (code == MUN_OK || code == MUN_E_NOT_FOUND) return MUN_OK;
    if (err != NULL) *err = unused;
    return code;
}
