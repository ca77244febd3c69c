#include "glob.h"

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/text/utf8.h"

// One bound of a range in a class.
static bool take_bound(struct cb_str *pattern, uint32_t *rune)
{
    if (pattern->n == 0 || pattern->p[0] == '-' || pattern->p[0] == ']')
        return false;
    if (pattern->p[0] == '\\')
        *pattern = cb_str_skip(*pattern, 1);
    if (pattern->n == 0)
        return false;
    size_t width;
    *rune = cb_utf8_decode(*pattern, &width);
    *pattern = cb_str_skip(*pattern, width);
    return !(*rune == CB_RUNE_ERROR && width == 1) && pattern->n > 0;
}

// A class behind its '['; *matched says whether rune is in it.
static bool take_class(struct cb_str *pattern, uint32_t rune, bool *matched)
{
    bool negated = pattern->n > 0 && pattern->p[0] == '^', in = false;
    if (negated)
        *pattern = cb_str_skip(*pattern, 1);
    for (size_t ranges = 0; !(pattern->n > 0 && pattern->p[0] == ']' && ranges > 0); ranges++) {
        uint32_t low, high;
        if (!take_bound(pattern, &low))
            return false;
        high = low;
        if (pattern->p[0] == '-') {
            *pattern = cb_str_skip(*pattern, 1);
            if (!take_bound(pattern, &high))
                return false;
        }
        in |= low <= rune && rune <= high;
    }
    *pattern = cb_str_skip(*pattern, 1);
    *matched = in != negated;
    return true;
}

// Matches a piece of a pattern without '*' at the start of *name, which is moved behind what it took. The piece is read
// to its end even after a mismatch, since a malformed one is an error either way.
static int match_piece(struct cb_str piece, struct cb_str *name)
{
    bool failed = false;
    while (piece.n > 0) {
        bool ok = name->n > 0 && !failed;
        size_t width = 1;
        uint32_t rune = ok ? cb_utf8_decode(*name, &width) : 0;
        char c = piece.p[0];
        piece = cb_str_skip(piece, 1);
        if (c == '[') {
            bool in = false;
            if (!take_class(&piece, rune, &in))
                return -1;
            ok = ok && in;
        } else if (c == '?') {
            ok = ok && rune != '/';
        } else {
            if (c == '\\') {
                if (piece.n == 0)
                    return -1;
                c = piece.p[0];
                piece = cb_str_skip(piece, 1);
            }
            ok = ok && name->p[0] == c;
            width = 1;
        }
        failed |= !ok;
        if (!failed)
            *name = cb_str_skip(*name, width);
    }
    return !failed;
}

// Cuts the stars and the piece behind them off the pattern.
static struct cb_str take_piece(struct cb_str *pattern, bool *star)
{
    size_t n = 0;
    bool in_class = false;
    for (*star = false; pattern->n > 0 && pattern->p[0] == '*'; *star = true)
        *pattern = cb_str_skip(*pattern, 1);
    for (; n < pattern->n && (in_class || pattern->p[n] != '*'); n++) {
        if (pattern->p[n] == '\\' && n + 1 < pattern->n)
            n++;
        else if (pattern->p[n] == '[')
            in_class = true;
        else if (pattern->p[n] == ']')
            in_class = false;
    }
    struct cb_str piece = cb_str_head(*pattern, n);
    *pattern = cb_str_skip(*pattern, n);
    return piece;
}

// 0, or -1 where the rest of a pattern is malformed.
static int check_rest(struct cb_str pattern)
{
    while (pattern.n > 0) {
        bool star;
        struct cb_str nothing = CB_STR(""), piece = take_piece(&pattern, &star);
        if (match_piece(piece, &nothing) < 0)
            return -1;
    }
    return 0;
}

// The first place from *name on (any, where there was a star) at which the piece matches; a last piece must take all.
static int match_somewhere(struct cb_str piece, bool star, bool last, struct cb_str *name)
{
    for (struct cb_str from = *name;; from = cb_str_skip(from, 1)) {
        struct cb_str rest = from;
        int matched = match_piece(piece, &rest);
        if (matched < 0)
            return -1;
        if (matched && (rest.n == 0 || !last)) {
            *name = rest;
            return 1;
        }
        if (!star || from.n == 0 || from.p[0] == '/')
            return 0;
    }
}

int cb_glob_match(struct cb_str pattern, struct cb_str name)
{
    while (pattern.n > 0) {
        bool star;
        struct cb_str piece = take_piece(&pattern, &star);
        if (star && piece.n == 0)
            return cb_str_find(name, '/') < 0;
        int matched = match_somewhere(piece, star, pattern.n == 0, &name);
        if (matched <= 0)
            return matched < 0 || check_rest(pattern) < 0 ? -1 : 0;
    }
    return name.n == 0;
}

static bool has_meta(struct cb_str s)
{
    return cb_str_find_any(s, "*?[\\") >= 0;
}

// Adds the entries of folder dir that match to *out. What is no folder has none.
static int match_entries(struct cb_tree *t, struct cb_str dir, struct cb_str pattern, struct cb_arena *a,
                         struct cb_strs *out, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_tree_entries entries = {0};
    CB_BUF_AUTO path = {0};
    int failed = 0;
    if (cb_tree_list(t, dir, &entries, &ignored))
        entries.n = 0;
    for (size_t i = 0; i < entries.n && !failed; i++) {
        if (cb_glob_match(pattern, entries.v[i].name) <= 0)
            continue;
        cb_buf_reset(&path);
        cb_buf_addstr(&path, dir);
        cb_buf_addc(&path, '/');
        cb_buf_addstr(&path, entries.v[i].name);
        CB_AUTOFREE char *clean = cb_path_clean(cb_buf_str(&path));
        cb_strs_add(out, cb_arena_str(a, cb_str(clean)));
        if (out->n > CB_GLOB_MATCHES_MAX)
            failed = cb_fail(err, CB_E_LIMIT, "a pattern matches more than %u files", CB_GLOB_MATCHES_MAX);
    }
    cb_vec_release(&entries);
    return failed;
}

// The pattern's components from the first one with a special character on, each matched in the folders found so far.
static int expand(struct cb_tree *t, struct cb_str start, struct cb_str components, struct cb_arena *a,
                  struct cb_strs *out, struct cb_error *err)
{
    struct cb_strs folders = {0}, found = {0};
    struct cb_str component;
    int failed = 0;
    cb_strs_add(&folders, start);
    while (!failed && cb_str_cut(&components, '/', &component)) {
        found.n = 0;
        for (size_t i = 0; i < folders.n && !failed; i++)
            failed = match_entries(t, folders.v[i], component, a, &found, err);
        struct cb_strs swap = folders;
        folders = found;
        found = swap;
    }
    for (size_t i = 0; i < folders.n && !failed; i++)
        cb_strs_add(out, folders.v[i]);
    cb_strs_release(&folders);
    cb_strs_release(&found);
    return failed;
}

int cb_glob(struct cb_tree *t, struct cb_str pattern, struct cb_arena *a, struct cb_strs *out, struct cb_error *err)
{
    if (!has_meta(pattern)) {
        if (cb_tree_find(t, pattern))
            cb_strs_add(out, cb_arena_str(a, pattern));
        return 0;
    }
    size_t from = 0; // of the first component with a special character
    for (size_t i = 0; i <= pattern.n; i++) {
        bool at_end = i == pattern.n || pattern.p[i] == '/';
        if (at_end && has_meta(cb_str_head(pattern, i)) && cb_glob_match(cb_str_head(pattern, i), CB_STR("")) < 0)
            return cb_fail(err, CB_E_INPUT, "malformed pattern"); // so is a class that a slash cuts in two
        if (at_end && !has_meta(cb_str_head(pattern, i)))
            from = i + 1;
    }
    struct cb_str start = from > 0 ? cb_str_head(pattern, from - 1) : CB_STR(".");
    return expand(t, start, cb_str_skip(pattern, from), a, out, err);
}
