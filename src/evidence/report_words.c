/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report in plain words. Names come from the evidence and may be hostile: they are cut to a
 * length that leaves room for the sentence, and characters that play tricks on a reader's screen
 * are replaced.
 */
#include "base/assert.h"
#include "base/cursor.h"
#include "codec/utf8.h"
#include "evidence/verify.h"

#define NAME_SHOWN 64 /* bytes of a name in a sentence */

static void put_name(mun_buf *out, mun_slice name)
{
    mun_cursor c = mun_cursor_over(name);
    while (mun_cursor_left(&c) > 0) {
        const uint8_t *at = c.at;
        uint32_t point = mun_utf8_take(&c);
        if ((size_t)(c.at - name.ptr) > NAME_SHOWN) {
            mun_buf_text(out, "…");
            return;
        }
        if (mun_unicode_is_hidden(point))
            mun_buf_u8(out, '?');
        else
            mun_buf_put(out, mun_slice_of(at, (size_t)(c.at - at)));
    }
}

/*
 * A pattern with %i for the issuer, %s the subject, %l the ledger, %t the registration time,
 * %n how many witnesses and %c the time of the newest cosignature.
 */
static void put_fact(const mun_verification *v, char which, mun_buf *out)
{
    const mun_report *report = v->report;
    switch (which) {
    case 'i': put_name(out, v->statement->iss); break;
    case 's': put_name(out, v->statement->sub); break;
    case 'l': put_name(out, report->ledger); break;
    case 't': mun_time_text(report->registered, out); break;
    case 'n': mun_buf_decimal(out, report->cosignatures); break;
    default: mun_time_text((int64_t)report->cosigned, out); break;
    }
}

static void say(const mun_verification *v, char ret[MUN_SENTENCE_MAX], const char *prefix,
                const char *pattern)
{
    mun_buf out = mun_buf_fixed(ret, MUN_SENTENCE_MAX - 1);
    mun_buf_text(&out, prefix);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '%')
            put_fact(v, *++at, &out);
        else
            mun_buf_u8(&out, (uint8_t)*at);
    }
    MUN_ASSERT(mun_buf_ok(&out)); /* names are cut, patterns are ours */
    ret[out.len] = '\0';
}

static const char *document_words(const mun_verification *v, mun_check_result result)
{
    switch (result) {
    case MUN_RESULT_PASS: return "The document is, byte for byte, the one that was signed.";
    case MUN_RESULT_FAIL:
        return "The document is not the one that was signed: it was changed, or it is another one.";
    default: break;
    }
    if (v->input->have_document)
        return "The statement names its document by a kind of fingerprint that this program does "
               "not know, so the document was not compared.";
    return "No document was given, so none was compared with the evidence.";
}

static const char *signature_words(const mun_verification *v, mun_check_result result)
{
    const mun_findings *f = &v->found;
    switch (result) {
    case MUN_RESULT_PASS:
        if (f->issuer_key_known) return "The statement carries the right signature of %i.";
        return "The statement carries a right signature, made with the key that it brings along.";
    case MUN_RESULT_FAIL:
        return "The signature on the statement is wrong: it was changed after signing, or it was "
               "not signed with the key of %i.";
    default: break;
    }
    if (f->alg_unsupported)
        return "The statement is signed by a method that cannot be checked here.";
    return "No fitting key of %i is known here, so the signature on the statement was not checked.";
}

static const char *issuer_words(const mun_verification *v, mun_check_result result)
{
    if (result == MUN_RESULT_PASS) return "%i is trusted here, and this is one of its keys.";
    if (v->found.issuer_key_known)
        return "A key of %i is known here, but nobody has said that it is to be trusted.";
    if (v->found.self_declared)
        return "The key comes with the statement itself; nobody here has said that %i is to be "
               "trusted.";
    return "Whether the statement is really by %i was not found out.";
}

static const char *receipt_words(const mun_verification *v, mun_check_result result)
{
    switch (result) {
    case MUN_RESULT_PASS: return "A receipt with the right signature of the ledger %l is there.";
    case MUN_RESULT_WARNING:
        return "A receipt with the right signature of the ledger %l is there; beside it is another "
               "that is wrong or for something else.";
    case MUN_RESULT_FAIL:
        return "The receipt is wrong: it was changed, is for another statement, or was not signed "
               "by the ledger that it names.";
    case MUN_RESULT_ABSENT:
        return "There is no receipt: this evidence does not show that the statement was ever "
               "registered.";
    default: break;
    }
    if (v->found.receipts_broken > 0)
        return "The signature on the receipt could not be checked, since its proof leads nowhere.";
    return "No fitting key of the receipt's ledger is known here, so the signature on the receipt "
           "was not checked.";
}

static const char *inclusion_words(mun_check_result result)
{
    switch (result) {
    case MUN_RESULT_PASS: return "The statement is in the log of %l, as the receipt proves.";
    case MUN_RESULT_WARNING:
        return "The statement is in the log of %l, as one receipt proves; the proof in another one "
               "is impossible.";
    case MUN_RESULT_FAIL: return "The proof that the statement is in the log is impossible.";
    case MUN_RESULT_ABSENT: return "Nothing here proves that the statement is in a log.";
    default: return "Whether the statement is in the log was not found out.";
    }
}

static const char *ledger_words(const mun_verification *v, mun_check_result result)
{
    switch (result) {
    case MUN_RESULT_PASS: return "The ledger %l is trusted here.";
    case MUN_RESULT_ABSENT: return "No ledger has vouched for the statement.";
    default: break;
    }
    if (v->found.good_len > 0)
        return "A key of the ledger %l is known here, but nobody has said that it is to be "
               "trusted.";
    return "The ledger that gave the receipt is not known here.";
}

static const char *cosignature_words(const mun_verification *v, mun_check_result result)
{
    bool one = v->report->cosignatures == 1;
    switch (result) {
    case MUN_RESULT_PASS:
        return one ? "One trusted witness has confirmed the log that holds the statement, last on "
                     "%c."
                   : "%n trusted witnesses have confirmed the log that holds the statement, last "
                     "on %c.";
    case MUN_RESULT_WARNING:
        return v->found.proofs_good > 0
                   ? "A trusted witness has confirmed the log that holds the statement, last on "
                     "%c; "
                     "another proof in the evidence is wrong."
                   : "The proof from the witnesses is wrong; the receipt does not depend on it.";
    case MUN_RESULT_FAIL: return "The proof from the witnesses is wrong.";
    case MUN_RESULT_ABSENT: return "The evidence holds no confirmation by independent witnesses.";
    default: return "No witness that is trusted here has confirmed the log.";
    }
}

static const char *times_words(const mun_verification *v, mun_check_result result)
{
    const mun_findings *f = &v->found;
    switch (result) {
    case MUN_RESULT_PASS:
        return v->report->have_registered ? "The ledger %l says: registered on %t."
                                          : "The times in the evidence agree.";
    case MUN_RESULT_ABSENT: return "The evidence holds no time.";
    case MUN_RESULT_UNCHECKED: return "The evidence holds a time, but nothing here proves it.";
    default: break;
    }
    if (f->times_differ) return "One ledger has given this statement two different times.";
    if (f->issuer_late)
        return "The issuer dated the statement more than a day after it was registered; one of the "
               "two clocks is wrong.";
    return "A witness saw the statement more than a day before the ledger says it was registered; "
           "one of the two clocks is wrong.";
}

static const char *words_of(const mun_verification *v, mun_check_id id)
{
    mun_check_result result = v->report->checks[id].result;
    switch (id) {
    case MUN_CHECK_DOCUMENT: return document_words(v, result);
    case MUN_CHECK_STATEMENT_SIGNATURE: return signature_words(v, result);
    case MUN_CHECK_ISSUER: return issuer_words(v, result);
    case MUN_CHECK_RECEIPT_SIGNATURE: return receipt_words(v, result);
    case MUN_CHECK_INCLUSION: return inclusion_words(result);
    case MUN_CHECK_LEDGER: return ledger_words(v, result);
    case MUN_CHECK_COSIGNATURES: return cosignature_words(v, result);
    default: return times_words(v, result);
    }
}

static const char *valid_words(const mun_verification *v)
{
    bool dated = v->report->have_registered;
    if (v->input->have_document)
        return dated ? "Valid: %i signed this document, and the ledger %l registered it on %t."
                     : "Valid: %i signed this document, and the ledger %l registered it.";
    return dated ? "Valid, without its document: %i made this statement, and the ledger %l "
                   "registered it on %t."
                 : "Valid, without its document: %i made this statement, and the ledger %l "
                   "registered it.";
}

/* What keeps a report that contradicts nothing from being valid, the weightiest first. */
static const char *incomplete_words(const mun_verification *v)
{
    const mun_check *checks = v->report->checks;
    if (checks[MUN_CHECK_RECEIPT_SIGNATURE].result == MUN_RESULT_ABSENT)
        return "Nothing contradicts, but there is no receipt: nobody has registered this "
               "statement.";
    if (checks[MUN_CHECK_STATEMENT_SIGNATURE].result != MUN_RESULT_PASS)
        return "Nothing contradicts, but the signature of %i could not be checked here.";
    if (checks[MUN_CHECK_RECEIPT_SIGNATURE].result == MUN_RESULT_UNCHECKED)
        return "Nothing contradicts, but the receipt could not be checked here.";
    if (checks[MUN_CHECK_ISSUER].result != MUN_RESULT_PASS)
        return "All that could be checked is right, but %i is not trusted here.";
    if (checks[MUN_CHECK_LEDGER].result != MUN_RESULT_PASS)
        return "All that could be checked is right, but the ledger %l is not trusted here.";
    return "All that could be checked is right, but the document could not be compared.";
}

static void summary_say(mun_verification *v)
{
    mun_report *report = v->report;
    if (report->verdict == 0) {
        say(v, report->summary, "", valid_words(v));
        return;
    }
    if (report->verdict == 3) {
        say(v, report->summary, "", incomplete_words(v));
        return;
    }
    mun_check_id id = 0;
    while (report->checks[id].result != MUN_RESULT_FAIL) id++;
    say(v, report->summary, "Not valid. ", words_of(v, id));
}

void mun_report_words(mun_verification *v)
{
    for (mun_check_id id = 0; id < MUN_CHECKS; id++)
        say(v, v->report->checks[id].sentence, "", words_of(v, id));
    summary_say(v);
}
