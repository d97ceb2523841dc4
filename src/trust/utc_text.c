/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the proleptic Gregorian calendar by integer arithmetic: no locale, no time zone, and the
 * same answer on every machine. */
#include "trust/policy_document.h"

#include <stdio.h>

#define DAY_SECONDS 86400
#define YEAR_MAX    9999

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year) ? 1 : 0);
}

/* Days from 1970-01-01 to the first of January of year >= 1970. */
static int64_t days_before(int64_t year)
{
    int64_t y = year - 1;
    int64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - 1970) * 365 + leaps;
}

void mun_utc_text(int64_t seconds, char ret[MUN_UTC_TEXT])
{
    int64_t last = days_before(YEAR_MAX + 1) * DAY_SECONDS - 1;
    if (seconds < 0) seconds = 0;
    if (seconds > last) seconds = last;
    int64_t day = seconds / DAY_SECONDS, rest = seconds % DAY_SECONDS;
    int64_t year = 1970 + day / 366, month = 1;
    while (days_before(year + 1) <= day) year++;
    day -= days_before(year);
    while (day >= days_in_month(year, month)) day -= days_in_month(year, month++);
    snprintf(ret, MUN_UTC_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000,
             (unsigned)month % 100, (unsigned)(day + 1) % 100, (unsigned)(rest / 3600) % 100,
             (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

/* The digits at [at, at + n), or -1. */
static int64_t digits(mun_slice text, size_t at, size_t n)
{
    int64_t value = 0;
    for (size_t i = at; i < at + n; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return -1;
        value = value * 10 + (text.ptr[i] - '0');
    }
    return value;
}

bool mun_utc_parse(mun_slice text, int64_t *ret)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    if (text.len != sizeof shape - 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (shape[i] != '0' && text.ptr[i] != (uint8_t)shape[i]) return false;
    }
    int64_t year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    int64_t hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return false;
    if (day > days_in_month(year, month) || minute < 0 || minute > 59) return false;
    if (second < 0 || second > 59) return false;
    int64_t days = days_before(year) + day - 1;
    for (int64_t m = 1; m < month; m++) days += days_in_month(year, m);
    *ret = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    return true;
}
