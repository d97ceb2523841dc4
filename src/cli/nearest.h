/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who mistyped a word may have meant. Threads: values only. */
#ifndef MUN_CLI_NEAREST_H
#define MUN_CLI_NEAREST_H

#include <stddef.h>

/* Edits (insert, delete, change, swap neighbours) from a to b; words are cut at 32 bytes. */
unsigned mun_word_distance(const char *a, const char *b);

typedef struct mun_nearest {
    const char *typed;
    const char *best; /* NULL: nothing is near enough */
    unsigned distance;
} mun_nearest;

/* Offers one word: it becomes best when it begins with what was typed, or few edits lead there. */
void mun_nearest_offer(mun_nearest *nearest, const char *word);

#endif
