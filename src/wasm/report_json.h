/* SPDX-License-Identifier: Apache-2.0 */
/* A report as JSON (docs/format/verification.md, section Output), without any library. */
#ifndef MUN_WASM_REPORT_JSON_H
#define MUN_WASM_REPORT_JSON_H

#include <muniment/evidence.h>

/* The report and what the statement says of itself. Overflow latches in ret. */
void mun_report_json(const mun_report *report, const mun_statement *statement, mun_buf *ret);
/* No report: {"verdict":4,...} for malformed input, with rule, offset and sentence. */
void mun_report_json_error(const mun_error *err, mun_buf *ret);

#endif
