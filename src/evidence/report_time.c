/* SPDX-License-Identifier: Apache-2.0 */
/* Seconds since 1970 as a date for people, in UTC, without a clock or a locale. */
#include "evidence/verify.h"

#define DAY_SECONDS 86400
#define ERA_DAYS    146097 /* 400 Gregorian years */
#define EPOCH_SHIFT 719468 /* days from 0000-03-01 to 1970-01-01 */

typedef struct civil {
    int64_t year;
    unsigned month, day; /* from 1 */
} civil;

/* Years are counted from March, so that the leap day comes last. Only for days since 1970. */
static civil civil_of(int64_t days)
{
    int64_t z = days + EPOCH_SHIFT;
    int64_t era = z / ERA_DAYS;
    int64_t day_of_era = z % ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    unsigned day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    unsigned month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    return (civil){era * 400 + year_of_era + (month <= 2), month, day};
}

static void two_digits(mun_buf *ret, int64_t v)
{
    mun_buf_u8(ret, (uint8_t)('0' + v / 10 % 10));
    mun_buf_u8(ret, (uint8_t)('0' + v % 10));
}

void mun_time_text(int64_t seconds, mun_buf *ret)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    civil date = civil_of(seconds / DAY_SECONDS);
    int64_t rest = seconds % DAY_SECONDS;
    mun_buf_decimal(ret, date.day);
    mun_buf_u8(ret, ' ');
    mun_buf_text(ret, months[date.month - 1]);
    mun_buf_u8(ret, ' ');
    mun_buf_decimal(ret, (uint64_t)date.year);
    mun_buf_text(ret, ", ");
    two_digits(ret, rest / 3600);
    mun_buf_u8(ret, ':');
    two_digits(ret, rest / 60 % 60);
    mun_buf_u8(ret, ':');
    two_digits(ret, rest % 60);
    mun_buf_text(ret, " UTC");
}
