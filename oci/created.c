#include <stdio.h>
#include <stdlib.h>

#include "cbuild/oci/image_config.h"

// Times on the proleptic Gregorian calendar, without the C library's: its zone tables, its range and its locale are the
// machine's, and what is written here must not be.

#define DAY 86400

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

// Days from 1970-01-01 to the first day of a year in 0..9999 or so.
static int64_t days_to_year(int64_t year)
{
    int64_t y = year - 1;
    int64_t leaps = (y >= 0 ? y / 4 - y / 100 + y / 400 : -1);
    return y * 365 + leaps - 719162;
}

struct civil {
    int64_t year;
    int month, day, hour, minute, second;
};

static struct civil civil_of(int64_t sec)
{
    int64_t days = sec / DAY - (sec % DAY < 0), rest = sec - days * DAY;
    struct civil c = {.year = 1970 + days / 366, .month = 1};

    while (days < days_to_year(c.year))
        c.year--;
    while (days >= days_to_year(c.year + 1))
        c.year++;
    days -= days_to_year(c.year);
    while (days >= days_in(c.year, c.month))
        days -= days_in(c.year, c.month++);
    c.day = (int)days + 1;
    c.hour = (int)(rest / 3600);
    c.minute = (int)(rest / 60 % 60);
    c.second = (int)(rest % 60);
    return c;
}

// ".123" without trailing zeros; "" where there is none.
static void format_fraction(char out[11], int32_t nsec)
{
    size_t n = 10;

    out[0] = 0;
    if (nsec == 0)
        return;
    snprintf(out, 11, ".%09d", (int)nsec);
    while (out[n - 1] == '0')
        out[--n] = 0;
}

static struct cb_str format(struct cb_arena *a, struct cb_created t, const char *fraction)
{
    struct civil c = civil_of(t.sec + t.offset);
    struct cb_str date = cb_arena_format(a, "%04lld-%02d-%02dT%02d:%02d:%02d%s", (long long)c.year, c.month, c.day,
                                         c.hour, c.minute, c.second, fraction);
    int minutes = t.offset / 60;

    if (t.offset == 0)
        return cb_arena_format(a, "%.*sZ", CB_STR_ARG(date));
    return cb_arena_format(a, "%.*s%c%02d:%02d", CB_STR_ARG(date), minutes < 0 ? '-' : '+', abs(minutes) / 60,
                           abs(minutes) % 60);
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

struct cb_str cb_created_format(struct cb_arena *a, struct cb_created t)
{
    t.sec = clamp(t.sec, days_to_year(0) * DAY - t.offset, days_to_year(10000) * DAY - 1 - t.offset);
    return format(a, t, "");
}

int cb_created_format_nano(struct cb_arena *a, struct cb_created t, struct cb_str *out, struct cb_error *err)
{
    const int64_t least = days_to_year(0) * DAY, most = days_to_year(10000) * DAY - 1;
    char fraction[11];

    if (t.sec > most || t.sec < least || t.sec + t.offset < least || t.sec + t.offset > most)
        return cb_fail(err, CB_E_CONFIG, "the time %lld s after 1970 lies outside the years 0 to 9999",
                       (long long)t.sec);
    format_fraction(fraction, t.nsec);
    *out = format(a, t, fraction);
    return 0;
}

// A cursor that fails for good at the first thing that does not fit.
struct cursor {
    struct cb_str rest;
    bool bad;
};

static void expect(struct cursor *c, char what)
{
    c->bad |= c->rest.n == 0 || c->rest.p[0] != what;
    c->rest = cb_str_skip(c->rest, 1);
}

static int number(struct cursor *c, size_t digits, int least, int most)
{
    uint64_t v = 0;

    c->bad |= c->rest.n < digits || !cb_str_u64(cb_str_head(c->rest, digits), 10, &v);
    c->rest = cb_str_skip(c->rest, digits);
    c->bad |= !c->bad && ((int)v < least || (int)v > most);
    return c->bad ? least : (int)v;
}

static bool at_digit(struct cb_str s, size_t i)
{
    return s.n > i && s.p[i] >= '0' && s.p[i] <= '9';
}

static int32_t fraction(struct cursor *c)
{
    int32_t v = 0;
    size_t n = 0;

    if (c->rest.n == 0 || (c->rest.p[0] != '.' && c->rest.p[0] != ',') || !at_digit(c->rest, 1))
        return 0;
    c->rest = cb_str_skip(c->rest, 1);
    for (; at_digit(c->rest, 0); c->rest = cb_str_skip(c->rest, 1))
        if (n++ < 9)
            v = v * 10 + (c->rest.p[0] - '0');
    for (; n < 9; n++)
        v *= 10;
    return v;
}

static int32_t zone(struct cursor *c)
{
    bool west = cb_str_starts(c->rest, "-");
    int hours, minutes;

    if (cb_str_starts(c->rest, "Z")) {
        expect(c, 'Z');
        return 0;
    }
    expect(c, west ? '-' : '+');
    hours = number(c, 2, 0, 23);
    expect(c, ':');
    minutes = hours * 60 + number(c, 2, 0, 60); // 60 is taken, as Go's parser takes it
    c->bad |= minutes >= 24 * 60;
    return (west ? -60 : 60) * minutes;
}

static struct civil date_and_time(struct cursor *c)
{
    struct civil t;

    t.year = number(c, 4, 0, 9999);
    expect(c, '-');
    t.month = number(c, 2, 1, 12);
    expect(c, '-');
    t.day = number(c, 2, 1, days_in(t.year, t.month));
    expect(c, 'T');
    t.hour = number(c, at_digit(c->rest, 1) ? 2 : 1, 0, 23); // one digit is taken, as Go's parser takes it
    expect(c, ':');
    t.minute = number(c, 2, 0, 59);
    expect(c, ':');
    t.second = number(c, 2, 0, 59);
    return t;
}

int cb_created_parse(struct cb_str s, struct cb_created *out, struct cb_error *err)
{
    struct cursor c = {s, false};
    struct civil t = date_and_time(&c);
    int64_t days = days_to_year(t.year) + t.day - 1;

    out->nsec = fraction(&c);
    out->offset = zone(&c);
    if (c.bad || c.rest.n > 0)
        return cb_fail(err, CB_E_USAGE, "\"%.*s\" is not a time as in 2026-01-31T23:59:59Z",
                       CB_STR_ARG(cb_str_head(s, 60)));
    for (int month = 1; month < t.month; month++)
        days += days_in(t.year, month);
    out->sec = days * DAY + t.hour * 3600 + t.minute * 60 + t.second - out->offset;
    return 0;
}
