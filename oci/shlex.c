#include "cbuild/oci/shlex.h"

#include "cbuild/base/vec.h"
#include "cbuild/text/utf8.h"

// What the next character means depends on where it stands only: between words, in a word, in one of the two kinds of
// quotes, or in a comment. A backslash (in a word or in double quotes) takes the next character as it is.
enum where { BETWEEN, WORD, DOUBLE, SINGLE, COMMENT };

struct splitter {
    struct cb_arena *arena;
    struct cb_str rest;
    struct cb_buf word;
    struct cb_strs words; // on the heap until it is complete
    enum where where;
    bool escaped;
};

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void end_word(struct splitter *s)
{
    cb_strs_add(&s->words, cb_arena_str(s->arena, cb_buf_str(&s->word)));
    cb_buf_reset(&s->word);
    s->where = BETWEEN;
}

// A character between words or in one. '#' begins a comment between words only.
static void take_bare(struct splitter *s, uint32_t c)
{
    if (is_space(c)) {
        if (s->where == WORD)
            end_word(s);
        return;
    }
    if (c == '#' && s->where == BETWEEN) {
        s->where = COMMENT;
        return;
    }
    s->where = c == '"' ? DOUBLE : c == '\'' ? SINGLE : WORD;
    if (c == '\\')
        s->escaped = true;
    else if (s->where == WORD)
        cb_utf8_add(&s->word, c);
}

static void take(struct splitter *s, uint32_t c)
{
    if (s->escaped) {
        s->escaped = false;
        cb_utf8_add(&s->word, c);
    } else if (s->where == COMMENT) {
        s->where = c == '\n' ? BETWEEN : COMMENT;
    } else if (s->where == BETWEEN || s->where == WORD) {
        take_bare(s, c);
    } else if (c == (s->where == DOUBLE ? '"' : '\'')) {
        s->where = WORD;
    } else if (c == '\\' && s->where == DOUBLE) {
        s->escaped = true;
    } else {
        cb_utf8_add(&s->word, c);
    }
}

static int finish(struct splitter *s, struct cb_error *err)
{
    if (s->escaped)
        return cb_fail(err, CB_E_CONFIG, "it ends with a backslash that has nothing after it");
    if (s->where == DOUBLE || s->where == SINGLE)
        return cb_fail(err, CB_E_CONFIG, "a %s quote is not closed", s->where == DOUBLE ? "double" : "single");
    if (s->where == WORD)
        end_word(s);
    return 0;
}

int cb_shlex_split(struct cb_arena *a, struct cb_str text, struct cb_strs *out, struct cb_error *err)
{
    struct splitter s = {.arena = a, .rest = text};
    int result;

    while (s.rest.n > 0) {
        size_t width;
        uint32_t c = cb_utf8_decode(s.rest, &width);
        s.rest = cb_str_skip(s.rest, width);
        take(&s, c);
    }
    result = finish(&s, err);
    memset(out, 0, sizeof *out);
    if (result == 0 && s.words.n > 0) {
        out->v = cb_arena_alloc(a, s.words.n * sizeof *out->v);
        out->n = out->cap = s.words.n;
        memcpy(out->v, s.words.v, s.words.n * sizeof *out->v);
    }
    cb_strs_release(&s.words);
    cb_buf_release(&s.word);
    return result;
}
