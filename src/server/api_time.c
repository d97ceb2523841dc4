/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api_time.h"

#include "base/cursor.h"

#define DAY_MS     UINT64_C(86400000)
#define LAST_MS    UINT64_C(253402300799999) /* the end of the year 9999 */
#define EPOCH_DAYS 719468                    /* from 0000-03-01 to 1970-01-01 */
#define ERA_DAYS   146097                    /* in 400 years */

/* Years begin in March here, so that the leap day is the last one (Gregorian calendar, proleptic).
 */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned shifted = month <= 2 ? month + 9 : month - 3;
    uint64_t era = y / 400, in_era = y % 400;
    uint64_t in_year = (153 * shifted + 2) / 5 + day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS;
}

static void date_of(uint64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    uint64_t z = days + EPOCH_DAYS, era = z / ERA_DAYS, in_era = z % ERA_DAYS;
    uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    uint64_t shifted = (5 * in_year + 2) / 153;
    *ret_day = (unsigned)(in_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = (unsigned)(year + era * 400 + (*ret_month <= 2 ? 1 : 0));
}

static char *put_digits(char *to, unsigned value, unsigned n, char after)
{
    for (unsigned i = n; i-- > 0; value /= 10) to[i] = (char)('0' + value % 10);
    to[n] = after;
    return to + n + 1;
}

/* Digit by digit: each line of the log has one, and snprintf takes longer than all the rest of it.
 */
void mun_time_print(uint64_t time_ms, char ret[MUN_TIME_TEXT_MAX])
{
    if (time_ms > LAST_MS) time_ms = LAST_MS;
    unsigned year, month, day, ms = (unsigned)(time_ms % DAY_MS);
    date_of(time_ms / DAY_MS, &year, &month, &day);
    char *to = put_digits(ret, year, 4, '-');
    to = put_digits(to, month, 2, '-');
    to = put_digits(to, day, 2, 'T');
    to = put_digits(to, ms / 3600000, 2, ':');
    to = put_digits(to, ms / 60000 % 60, 2, ':');
    to = put_digits(to, ms / 1000 % 60, 2, '.');
    to = put_digits(to, ms % 1000, 3, 'Z');
    *to = '\0';
}

static unsigned digits(mun_cursor *c, unsigned n)
{
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t d = mun_cursor_u8(c);
        if (d < '0' || d > '9') c->failed = true;
        value = value * 10 + (unsigned)(d - '0');
    }
    return value;
}

static void expect(mun_cursor *c, uint8_t want)
{
    if (mun_cursor_u8(c) != want) c->failed = true;
}

static bool next_is(const mun_cursor *c, uint8_t want)
{
    return mun_cursor_left(c) > 0 && *c->at == want;
}

/* ".123", or nothing; up to 1000, rounded up. */
static unsigned fraction(mun_cursor *c)
{
    unsigned ms = 0, seen = 0;
    bool beyond = false;
    if (!next_is(c, '.')) return 0;
    (void)mun_cursor_u8(c);
    while (mun_cursor_left(c) > 0 && *c->at >= '0' && *c->at <= '9') {
        unsigned d = digits(c, 1);
        if (seen++ < 3)
            ms = ms * 10 + d;
        else
            beyond = beyond || d > 0;
    }
    if (seen == 0 || seen > 9) c->failed = true;
    for (; seen < 3; seen++) ms *= 10;
    return ms + (beyond ? 1 : 0);
}

/* Minutes that local time is ahead of UTC. */
static int offset(mun_cursor *c)
{
    if (next_is(c, 'Z')) {
        (void)mun_cursor_u8(c);
        return 0;
    }
    bool west = next_is(c, '-');
    expect(c, west ? '-' : '+');
    unsigned hours = digits(c, 2);
    expect(c, ':');
    unsigned minutes = digits(c, 2);
    if (hours > 23 || minutes > 59) c->failed = true;
    int ahead = (int)(hours * 60 + minutes);
    return west ? -ahead : ahead;
}

static bool date_exists(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap ? 1u : 0u);
}

bool mun_time_take(mun_slice text, uint64_t *ret_ms)
{
    mun_cursor c = mun_cursor_over(text);
    unsigned year = digits(&c, 4);
    expect(&c, '-');
    unsigned month = digits(&c, 2);
    expect(&c, '-');
    unsigned day = digits(&c, 2);
    expect(&c, 'T');
    unsigned hour = digits(&c, 2);
    expect(&c, ':');
    unsigned minute = digits(&c, 2);
    expect(&c, ':');
    unsigned second = digits(&c, 2), ms = fraction(&c);
    int ahead = offset(&c);
    if (!mun_cursor_done(&c) || !date_exists(year, month, day) || hour > 23 || minute > 59 ||
        second > 60) { /* a leap second counts as the first of the next minute */
        return false;
    }
    int64_t at = (int64_t)(days_of(year, month, day) * DAY_MS) + hour * INT64_C(3600000) +
                 minute * INT64_C(60000) + second * INT64_C(1000) + ms - ahead * INT64_C(60000);
    if (at < 0 || (uint64_t)at > LAST_MS) return false;
    *ret_ms = (uint64_t)at;
    return true;
}
