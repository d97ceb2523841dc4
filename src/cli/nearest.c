/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include <string.h>

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned mun_word_distance(const char *a, const char *b)
{
    size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= n; i++) d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= m; j++) d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
            }
        }
    }
    return d[n][m];
}

void mun_nearest_offer(mun_nearest *nearest, const char *word)
{
    size_t typed = strlen(nearest->typed);
    unsigned distance = mun_word_distance(nearest->typed, word);
    if (typed >= 2 && strncmp(word, nearest->typed, typed) == 0) distance = 0;
    size_t longer = strlen(word) > typed ? strlen(word) : typed;
    if (distance > longer / 3 || distance >= longer) return;
    if (nearest->best != NULL && nearest->distance <= distance) return;
    nearest->best = word;
    nearest->distance = distance;
}
