/* SPDX-License-Identifier: Apache-2.0 */
/* docs/format/words.txt as a table; a test compares the two. */
#ifndef MUN_EVIDENCE_WORDS_H
#define MUN_EVIDENCE_WORDS_H

#define MUN_WORDS    256
#define MUN_WORD_MAX 7

extern const char mun_words[MUN_WORDS][MUN_WORD_MAX + 1];

#endif
