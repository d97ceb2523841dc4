/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/report_json.h"

#include "base/buf.h"

static void put_string(mun_buf *out, mun_slice text)
{
    static const char digits[] = "0123456789abcdef";
    mun_buf_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '"' || c == '\\') {
            mun_buf_u8(out, '\\');
            mun_buf_u8(out, c);
        } else if (c < 0x20) {
            mun_buf_text(out, "\\u00");
            mun_buf_u8(out, (uint8_t)digits[c >> 4]);
            mun_buf_u8(out, (uint8_t)digits[c & 15]);
        } else {
            mun_buf_u8(out, c);
        }
    }
    mun_buf_u8(out, '"');
}

static void put_name(mun_buf *out, const char *name)
{
    if (out->len > 0 && out->ptr[out->len - 1] != '{') mun_buf_u8(out, ',');
    put_string(out, mun_slice_cstr(name));
    mun_buf_u8(out, ':');
}

static void put_text(mun_buf *out, const char *name, mun_slice text)
{
    put_name(out, name);
    put_string(out, text);
}

static void put_number(mun_buf *out, const char *name, uint64_t number)
{
    put_name(out, name);
    mun_buf_decimal(out, number);
}

static void put_hex(mun_buf *out, const char *name, mun_slice bytes)
{
    put_name(out, name);
    mun_buf_u8(out, '"');
    mun_buf_hex(out, bytes);
    mun_buf_u8(out, '"');
}

static void put_checks(mun_buf *out, const mun_report *report)
{
    put_name(out, "checks");
    mun_buf_u8(out, '[');
    for (int id = 0; id < MUN_CHECKS; id++) {
        const mun_check *check = &report->checks[id];
        mun_buf_text(out, id == 0 ? "{" : ",{");
        put_text(out, "id", mun_slice_cstr(mun_check_name((mun_check_id)id)));
        put_text(out, "result", mun_slice_cstr(mun_check_result_name(check->result)));
        put_text(out, "sentence", mun_slice_cstr(check->sentence));
        mun_buf_u8(out, '}');
    }
    mun_buf_u8(out, ']');
}

static void put_statement(mun_buf *out, const mun_statement *statement)
{
    put_name(out, "statement");
    mun_buf_u8(out, '{');
    put_text(out, "iss", statement->iss);
    put_text(out, "sub", statement->sub);
    if (statement->have_iat) put_number(out, "iat", (uint64_t)statement->iat);
    const mun_text_or_uint *type =
        statement->is_hash_envelope ? &statement->preimage_content_type : &statement->content_type;
    if (type->present && type->is_text) put_text(out, "content_type", type->text);
    if (type->present && !type->is_text) put_number(out, "content_type", type->number);
    mun_buf_u8(out, '}');
}

void mun_report_json(const mun_report *report, const mun_statement *statement, mun_buf *ret)
{
    mun_buf_u8(ret, '{');
    put_number(ret, "verdict", (uint64_t)report->verdict);
    put_text(ret, "summary", mun_slice_cstr(report->summary));
    put_checks(ret, report);
    put_hex(ret, "leaf", mun_slice_of(report->leaf, MUN_HASH_SIZE));
    if (report->have_root) put_hex(ret, "root", mun_slice_of(report->root, MUN_HASH_SIZE));
    if (report->ledger.len > 0) put_text(ret, "ledger", report->ledger);
    if (report->have_registered) put_number(ret, "registered", (uint64_t)report->registered);
    if (report->have_position) {
        put_number(ret, "index", report->index);
        put_number(ret, "size", report->size);
    }
    put_number(ret, "cosignatures", report->cosignatures);
    put_statement(ret, statement);
    mun_buf_u8(ret, '}');
}

void mun_report_json_error(const mun_error *err, mun_buf *ret)
{
    mun_buf_u8(ret, '{');
    put_number(ret, "verdict", (uint64_t)mun_code_exit(err->code));
    put_text(ret, "error", mun_slice_cstr(err->text));
    if (err->rule[0] != '\0') put_text(ret, "rule", mun_slice_cstr(err->rule));
    if (err->offset != MUN_NO_OFFSET) put_number(ret, "offset", err->offset);
    mun_buf_u8(ret, '}');
}
