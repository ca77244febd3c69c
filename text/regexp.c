#include "cbuild/text/regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>

#include "cbuild/base/alloc.h"

struct cb_regexp {
    pcre2_code *code;
    char *pattern;
    bool anchored;
};

// ---- what RE2 has and PCRE2 reads alike ----------------------------------------------------------------------------

struct scan {
    struct cb_str pattern;
    size_t at;
    unsigned depth;
    bool repeated;   // what was read last is a repetition
    bool alternates; // has a '|' outside of all groups
    bool multiline;  // ^ and $ may stand for the ends of lines
    bool ends;       // what was read last is the end of the text, outside of all groups
};

static char peek(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->pattern.n ? s->pattern.p[s->at + ahead] : '\0';
}

static int refuse(const struct scan *s, size_t n, const char *why, struct cb_error *err)
{
    struct cb_str part = cb_str_head(cb_str_skip(s->pattern, s->at), n);
    return cb_fail(err, CB_E_USAGE, "\"%.*s\" at %zu: %s", CB_STR_ARG(part), s->at, why);
}

static int scan_literal(struct scan *s, struct cb_error *err)
{
    for (size_t i = s->at + 2; i + 1 < s->pattern.n; i++)
        if (s->pattern.p[i] == '\\' && s->pattern.p[i + 1] == 'E') {
            s->at = i + 2;
            return 0;
        }
    return refuse(s, 2, "no \\E ends the literal text", err);
}

static int scan_escape(struct scan *s, bool in_class, struct cb_error *err)
{
    char c = peek(s, 1);
    if (c == 'Q' && !in_class)
        return scan_literal(s, err);
    bool letter = c && strchr(in_class ? "dDsSwWafnrtpPx" : "dDsSwWafnrtpPxbBAz", c);
    if (!letter && !(c > ' ' && c < 127 && ispunct((unsigned char)c)))
        return refuse(s, 2, "not an escape that Go's regular expressions and these read alike", err);
    s->at += 2;
    if (c != 'p' && c != 'P' && c != 'x')
        return 0;
    if (peek(s, 0) != '{') {
        s->at += c == 'x' ? 2 : 1;
        return 0; // whether the digits or the letter are good is seen on compiling
    }
    while (peek(s, 0) && peek(s, 0) != '}')
        s->at++;
    s->at++;
    return 0;
}

static int scan_posix_class(struct scan *s, struct cb_error *err)
{
    size_t n = 2 + (peek(s, 2) == '^');
    while (islower((unsigned char)peek(s, n)))
        n++;
    if (peek(s, n) != ':' || peek(s, n + 1) != ']')
        return refuse(s, n, "not a class such as [:alpha:]", err);
    s->at += n + 2;
    return 0;
}

static int scan_class(struct scan *s, struct cb_error *err)
{
    size_t start = s->at++;
    s->at += peek(s, 0) == '^';
    s->at += peek(s, 0) == ']';
    while (s->at < s->pattern.n && peek(s, 0) != ']') {
        if (peek(s, 0) == '[' && strchr(":.=", peek(s, 1)) && peek(s, 1)) {
            if (scan_posix_class(s, err))
                return -1;
        } else if (peek(s, 0) == '\\') {
            if (scan_escape(s, true, err))
                return -1;
        } else {
            s->at++;
        }
    }
    s->at++;
    if (s->at <= s->pattern.n)
        return 0;
    s->at = start;
    return refuse(s, 1, "no ] ends the class", err);
}

// "(", "(?:", "(?P<name>", "(?<name>", "(?flags)", "(?flags:".
static int scan_open(struct scan *s, struct cb_error *err)
{
    size_t n = 2;
    if (peek(s, 1) == '*')
        return refuse(s, 2, "Go's regular expressions have no verbs", err);
    s->depth++;
    if (peek(s, 1) != '?') {
        s->at++;
        return 0;
    }
    n += peek(s, n) == 'P' && peek(s, n + 1) == '<';
    if (peek(s, n) == '<' && (isalpha((unsigned char)peek(s, n + 1)) || peek(s, n + 1) == '_')) {
        s->at += n + 1;
        return 0;
    }
    for (n = 2; peek(s, n) && strchr("imsU-", peek(s, n)); n++)
        s->multiline |= peek(s, n) == 'm';
    if (peek(s, n) != ':' && (peek(s, n) != ')' || n == 2))
        return refuse(s, n + 1, "Go's regular expressions have no such group", err);
    s->depth -= peek(s, n) == ')';
    s->at += n + 1;
    return 0;
}

// How many bytes "{n}", "{n,}" or "{n,m}" takes; 0 where a brace is only a brace.
static int scan_count(struct scan *s, size_t *length, struct cb_error *err)
{
    size_t n = 1;
    unsigned value = 0;
    *length = 0;
    if (!isdigit((unsigned char)peek(s, 1)))
        return 0;
    for (bool second = false; peek(s, n) != '}'; n++) {
        if (peek(s, n) == ',' && !second) {
            second = true;
            value = 0;
        } else if (isdigit((unsigned char)peek(s, n))) {
            value = value * 10 + (unsigned)(peek(s, n) - '0');
        } else {
            return 0;
        }
        if (value > CB_REGEXP_REPEAT_MAX)
            return refuse(s, n + 1, "Go's regular expressions repeat at most 1000 times", err);
    }
    *length = n + 1;
    return 0;
}

static int scan_repeat(struct scan *s, size_t n, struct cb_error *err)
{
    if (s->repeated)
        return refuse(s, n, "a repetition of a repetition", err);
    s->at += n;
    s->at += peek(s, 0) == '?';
    s->repeated = true;
    return 0;
}

static int scan_one(struct scan *s, struct cb_error *err)
{
    char c = peek(s, 0);
    size_t n = c == '*' || c == '+' || c == '?';
    if (c == '{' && scan_count(s, &n, err))
        return -1;
    s->ends = s->depth == 0 && (c == '$' || (c == '\\' && peek(s, 1) == 'z'));
    if (n)
        return scan_repeat(s, n, err);
    s->repeated = false;
    if (c == '\\')
        return scan_escape(s, false, err);
    if (c == '[')
        return scan_class(s, err);
    if (c == '(')
        return scan_open(s, err);
    s->depth -= c == ')' && s->depth;
    s->alternates |= c == '|' && !s->depth;
    s->at++;
    return 0;
}

static int scan(struct cb_regexp *r, struct cb_str pattern, struct cb_error *err)
{
    struct scan s = {.pattern = pattern};
    if (pattern.n > CB_REGEXP_MAX)
        return cb_fail(err, CB_E_LIMIT, "a pattern of %zu bytes; %u are the most", pattern.n, CB_REGEXP_MAX);
    while (s.at < pattern.n)
        if (scan_one(&s, err))
            return -1;
    struct cb_str rest = cb_str_skip(pattern, cb_str_starts(pattern, "^") ? 1 : 2);
    bool starts = (cb_str_starts(pattern, "^") || cb_str_starts(pattern, "\\A")) && rest.n && !strchr("*?{", *rest.p);
    r->anchored = starts && s.ends && !s.alternates && !s.multiline;
    return 0;
}

// ---- by PCRE2 ------------------------------------------------------------------------------------------------------

static int compile(struct cb_regexp *r, struct cb_str pattern, struct cb_error *err)
{
    int code;
    size_t at;
    unsigned char why[200] = "";
    pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
    if (!ctx)
        abort(); // out of memory
    pcre2_set_newline(ctx, PCRE2_NEWLINE_LF);
    r->code = pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n,
                            PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &at, ctx);
    pcre2_compile_context_free(ctx);
    if (r->code)
        return 0;
    pcre2_get_error_message(code, why, sizeof why);
    return cb_fail(err, CB_E_USAGE, "at %zu: %s", at, (const char *)why);
}

struct cb_regexp *cb_regexp_new(struct cb_str pattern, struct cb_error *err)
{
    struct cb_regexp *r = cb_zalloc(sizeof *r);
    r->pattern = cb_strndup(pattern.p ? pattern.p : "", pattern.n);
    if (scan(r, pattern, err) == 0 && compile(r, pattern, err) == 0)
        return r;
    cb_context(err, "the pattern \"%s\"", r->pattern);
    cb_regexp_free(r);
    return NULL;
}

void cb_regexp_free(struct cb_regexp *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r->pattern);
    free(r);
}

void cb_regexp_free_p(struct cb_regexp **r)
{
    cb_regexp_free(*r);
}

bool cb_regexp_is_anchored(const struct cb_regexp *r)
{
    return r->anchored;
}

struct cb_str cb_regexp_text(const struct cb_regexp *r)
{
    return cb_str(r->pattern);
}

int cb_regexp_match(const struct cb_regexp *r, struct cb_str text, struct cb_error *err)
{
    if (text.n && memchr(text.p, '\v', text.n))
        return 0; // white space here, but not in Go
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *ctx = pcre2_match_context_create(NULL);
    if (!data || !ctx)
        abort(); // out of memory
    pcre2_set_match_limit(ctx, CB_REGEXP_STEPS_MAX);
    int result = pcre2_match(r->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, 0, data, ctx);
    pcre2_match_context_free(ctx);
    pcre2_match_data_free(data);
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT)
        return cb_fail(err, CB_E_LIMIT, "the pattern \"%s\" takes more than %u steps", r->pattern, CB_REGEXP_STEPS_MAX);
    return result >= 0;
}
