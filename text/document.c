// From libyaml's events to a tree, the way yaml.v3 builds its own.
//
// libyaml and yaml.v3 descend from one parser but have drifted apart. What yaml.v3 refuses and libyaml takes is refused
// here after the event has come: "\/" in double quotes, "?" within a plain scalar of a flow collection, %YAML 1.2. What
// libyaml refuses and yaml.v3 takes is put right in the text before another attempt: "\'" in double quotes. yaml.v3
// also looks two tokens further ahead, so that what is wrong shortly after the end of the first document is an error.
//
// Left as libyaml has it, because nothing sensible is written so: a tag that runs into one of ",[]{}", a plain scalar
// that ends in ":" before one of these, and a comment that a tab indents under another comment. yaml.v3 takes these.
//
// Depth is limited before anything else: libyaml looks at every open flow collection on every token, which is
// quadratic.
#include "cbuild/text/document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/text/gourl.h"
#include "cbuild/text/utf8.h"
#include "yaml_words.h"

// Tokens times open collections that libyaml may go through: about two seconds of it.
#define CB_DOC_WORK 200000000u

// Bytes that attempts at a text with "\'" in it may read, each of which gets as far as the next one.
#define CB_DOC_REREAD (32u << 20)

// yaml.v3 reads and checks its input in pieces of this size: what is not text beyond the last piece it needs is not
// seen.
#define CB_DOC_PIECE 512u

struct frame { // a collection that is open
    struct cb_doc_node *node;
    size_t cap;
    bool flow;
};

struct builder {
    struct cb_doc *doc;
    yaml_parser_t parser;
    struct {
        struct frame *v;
        size_t n, cap;
    } open;
    size_t open_flow;
    struct cb_map anchors;
    uint64_t work;
    size_t given, carry;     // of the text: bytes handed to libyaml; of those, how many begin a character at the end
    size_t char_at, byte_at; // a place in the text by both counts; libyaml counts characters
};

// ---- Errors ----

static bool is_break(struct cb_str s, size_t *width)
{
    static const struct {
        const char *text;
        size_t n;
    } breaks[] = {{"\r\n", 2}, {"\n", 1}, {"\r", 1}, {"\xC2\x85", 2}, {"\xE2\x80\xA8", 3}, {"\xE2\x80\xA9", 3}};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++)
        if (s.n >= breaks[i].n && memcmp(s.p, breaks[i].text, breaks[i].n) == 0)
            return *width = breaks[i].n, true;
    return false;
}

static struct cb_str line_of(const struct cb_doc *doc, size_t line)
{
    struct cb_str rest = doc->text;
    size_t start = 0, at = 0, width;
    while (at < rest.n) {
        if (!is_break(cb_str_skip(rest, at), &width)) {
            at++;
            continue;
        }
        if (--line == 0)
            break;
        at += width;
        start = at;
    }
    return line > 1 ? CB_STR("") : cb_strn(rest.p + start, at - start);
}

// The line and a caret under the column (both from 1), cut to what a terminal shows.
static void show_line(const struct cb_doc *doc, size_t line, size_t column, size_t width, struct cb_error *err)
{
    enum { BEFORE = 60, AFTER = 40 };
    struct cb_str found = line_of(doc, line);
    char *copy CB_AUTOFREE = cb_strndup(found.p, found.n);
    cb_gourl_mask(copy, found.n);
    struct cb_str text = cb_strn(copy, found.n);
    CB_BUF_AUTO shown = {0};
    CB_BUF_AUTO caret = {0};
    size_t first = column > BEFORE ? column - BEFORE : 1, at = 1, step;
    for (; text.n && at < column + AFTER; text = cb_str_skip(text, step), at++) {
        uint32_t rune = cb_utf8_decode(text, &step);
        if (at < first)
            continue;
        cb_buf_add(&shown, rune == '\t' ? " " : text.p, rune == '\t' ? 1 : step);
        if (at < column)
            cb_buf_addc(&caret, ' ');
    }
    cb_buf_addc(&caret, '^');
    for (size_t i = 1; i < width && column + i < at; i++)
        cb_buf_addc(&caret, '~');
    cb_detail(err, "%s\n%s", shown.p ? shown.p : "", caret.p);
}

static int fail_at(const struct cb_doc *doc, yaml_mark_t mark, struct cb_error *err, const char *message)
{
    cb_fail(err, CB_E_CONFIG, "%s:%zu:%zu: %s", doc->name, mark.line + 1, mark.column + 1, message);
    show_line(doc, mark.line + 1, mark.column + 1, 1, err);
    return -1;
}

int cb_doc_fail(const struct cb_doc *doc, const struct cb_doc_node *at, struct cb_error *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *message CB_AUTOFREE = cb_vformat(fmt, ap);
    va_end(ap);
    cb_fail(err, CB_E_CONFIG, "%s:%u:%u: %s", doc->name, at->line, at->column, message);
    show_line(doc, at->line, at->column, at->width, err);
    return -1;
}

// Where the reader (the part of libyaml that decodes characters) stopped: it gives a byte offset, not a place.
static int fail_reader(const struct cb_doc *doc, const yaml_parser_t *p, struct cb_error *err)
{
    struct cb_str before = cb_str_head(doc->text, p->problem_offset);
    yaml_mark_t mark = {0};
    for (size_t at = 0, width; at < before.n; at += width) {
        if (is_break(cb_str_skip(before, at), &width)) {
            mark.line++;
            mark.column = 0;
        } else {
            cb_utf8_decode(cb_str_skip(before, at), &width);
            mark.column++;
        }
    }
    const struct yaml_words *w = yaml_words_of(p->problem);
    fail_at(doc, mark, err, w->message);
    return w->hint ? cb_hint(err, "%s", w->hint) : -1;
}

// A character with which no value can begin.
static int fail_character(const struct builder *b, struct cb_error *err)
{
    const yaml_parser_t *p = &b->parser;
    struct cb_str line = line_of(b->doc, p->problem_mark.line + 1);
    char c = p->problem_mark.column < line.n ? line.p[p->problem_mark.column] : '\0';
    if (c == '\t') {
        fail_at(b->doc, p->problem_mark, err, "a tab cannot stand here");
        return cb_hint(err, "indent with spaces, not with tabs");
    }
    char *message CB_AUTOFREE = cb_format("a value cannot begin with \"%c\"", c);
    fail_at(b->doc, p->problem_mark, err, message);
    return cb_hint(err, "a value that begins with \"%c\" must stand in quotes", c);
}

static int fail_parser(struct builder *b, struct cb_error *err)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return cb_fail(err, CB_E_LIMIT, "%s: out of memory", b->doc->name);
    if (p->error == YAML_READER_ERROR)
        return fail_reader(b->doc, p, err);
    if (p->problem && strcmp(p->problem, "found character that cannot start any token") == 0)
        return fail_character(b, err);
    const struct yaml_words *w = yaml_words_of(p->problem);
    bool at_context = w->at_context && p->context;
    char *message CB_AUTOFREE = p->context && !at_context && p->context_mark.line != p->problem_mark.line
                                    ? cb_format("%s (in what begins in line %zu)", w->message, p->context_mark.line + 1)
                                    : cb_strdup(w->message);
    fail_at(b->doc, at_context ? p->context_mark : p->problem_mark, err, message);
    return w->hint ? cb_hint(err, "%s", w->hint) : -1;
}

// ---- Nodes ----

static enum cb_doc_tag tag_of(const char *tag)
{
    static const struct {
        const char *name;
        enum cb_doc_tag tag;
    } tags[] = {
        {"null", CB_TAG_NULL},     {"bool", CB_TAG_BOOL},   {"int", CB_TAG_INT},
        {"float", CB_TAG_FLOAT},   {"str", CB_TAG_STR},     {"timestamp", CB_TAG_TIMESTAMP},
        {"binary", CB_TAG_BINARY}, {"merge", CB_TAG_MERGE}, {"seq", CB_TAG_SEQ},
        {"map", CB_TAG_MAP},
    };
    struct cb_str s = cb_str(tag);
    if (cb_str_starts(s, "tag:yaml.org,2002:"))
        s = cb_str_skip(s, strlen("tag:yaml.org,2002:"));
    else if (cb_str_starts(s, "!!"))
        s = cb_str_skip(s, 2);
    else
        return CB_TAG_OTHER;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (cb_str_is(s, tags[i].name))
            return tags[i].tag;
    return CB_TAG_OTHER;
}

static bool has_tag(const yaml_char_t *tag)
{
    return tag && *tag && strcmp((const char *)tag, "!") != 0;
}

static struct cb_doc_node *new_node(struct builder *b, enum cb_doc_kind kind, const yaml_event_t *e)
{
    struct cb_doc_node *node = cb_arena_alloc(&b->doc->arena, sizeof *node);
    node->kind = kind;
    node->line = (uint32_t)e->start_mark.line + 1;
    node->column = (uint32_t)e->start_mark.column + 1;
    bool one_line = e->start_mark.line == e->end_mark.line && e->end_mark.column > e->start_mark.column;
    bool leaf = kind == CB_DOC_SCALAR || kind == CB_DOC_ALIAS;
    node->width = leaf && one_line ? (uint32_t)(e->end_mark.column - e->start_mark.column) : 1;
    return node;
}

static void set_anchor(struct builder *b, const yaml_char_t *anchor, struct cb_doc_node *node)
{
    if (anchor)
        cb_map_put(&b->anchors, cb_arena_str(&b->doc->arena, cb_str((const char *)anchor)), node, NULL);
}

// Puts a node into the innermost open collection, or makes it the root.
static void attach(struct builder *b, struct cb_doc_node *node)
{
    if (b->open.n == 0) {
        b->doc->root = node;
        return;
    }
    struct frame *f = &b->open.v[b->open.n - 1];
    if (f->node->n == f->cap) {
        // Grown on the heap and moved to the arena when the collection closes.
        f->cap = f->cap ? f->cap * 2 : 8;
        f->node->v = cb_realloc_array(f->node->v, f->cap, sizeof(struct cb_doc_node *));
    }
    f->node->v[f->node->n++] = node;
}

static int open_collection(struct builder *b, struct cb_doc_node *node, bool flow, struct cb_error *err)
{
    if (b->open.n >= CB_DOC_DEPTH) {
        cb_fail(err, CB_E_LIMIT, "%s:%u:%u: nested deeper than %u levels", b->doc->name, node->line, node->column,
                CB_DOC_DEPTH);
        return -1;
    }
    attach(b, node);
    struct frame *f = cb_vec_add(&b->open);
    *f = (struct frame){.node = node, .flow = flow};
    b->open_flow += flow;
    return 0;
}

static void close_collection(struct builder *b)
{
    struct frame f = b->open.v[--b->open.n];
    b->open_flow -= f.flow;
    if (!f.node->n)
        return;
    size_t size = f.node->n * sizeof(struct cb_doc_node *);
    struct cb_doc_node **heap = f.node->v;
    f.node->v = memcpy(cb_arena_alloc(&b->doc->arena, size), heap, size);
    free(heap);
}

// ---- Where libyaml and yaml.v3 disagree ----

// The byte at a place that libyaml counts in characters. Places are asked for in ascending order.
static size_t byte_of(struct builder *b, size_t index)
{
    struct cb_str text = b->doc->text;
    for (size_t width; b->char_at < index && b->byte_at < text.n; b->char_at++, b->byte_at += width)
        cb_utf8_decode(cb_str_skip(text, b->byte_at), &width);
    return b->byte_at;
}

// yaml.v3 does not know JSON's "\/".
static int check_double_quoted(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    struct cb_str text = b->doc->text;
    yaml_mark_t mark = e->start_mark;
    size_t at = byte_of(b, mark.index), end = byte_of(b, e->end_mark.index);
    for (size_t width = 1; at < end; at += width, mark.column++) {
        if (is_break(cb_str_skip(text, at), &width)) {
            mark.line++;
            mark.column = (size_t)-1;
        } else if (text.p[at] == '\\' && at + 1 < end && text.p[at + 1] == '/') {
            fail_at(b->doc, mark, err, "\"\\/\" is not an escape sequence that is understood here");
            return cb_hint(err, "write \"/\" without the backslash");
        } else if (text.p[at] == '\\' && at + 1 < end && !is_break(cb_str_skip(text, at + 1), &width)) {
            width = 2;
            mark.column++;
        } else {
            cb_utf8_decode(cb_str_skip(text, at), &width);
        }
    }
    return 0;
}

// In a flow collection yaml.v3 takes every "?" for the mark of a key.
static int check_flow_plain(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    if (!b->open_flow || !memchr(e->data.scalar.value, '?', e->data.scalar.length))
        return 0;
    fail_at(b->doc, e->start_mark, err, "a \"?\" within [...] or {...} must stand in quotes");
    return -1;
}

static int check_version(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    const yaml_version_directive_t *v = e->data.document_start.version_directive;
    if (!v || (v->major == 1 && v->minor == 1))
        return 0;
    fail_at(b->doc, e->start_mark, err, "only \"%YAML 1.1\" is understood, although YAML 1.2 may be written");
    return cb_hint(err, "leave the %%YAML line out");
}

// Takes the backslash from every "\'" of the double-quoted scalar in which libyaml stopped over one. False where it did
// not stop for that.
static bool drop_escaped_quotes(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error != YAML_SCANNER_ERROR || strcmp(p->problem, "found unknown escape character") != 0)
        return false;
    char *text = (char *)(uintptr_t)b->doc->text.p;
    size_t n = b->doc->text.n, from = byte_of(b, p->problem_mark.index), to = from;
    if (from + 1 >= n || text[from] != '\\' || text[from + 1] != '\'')
        return false;
    for (; from < n && text[from] != '"'; from++) {
        if (text[from] == '\\' && from + 1 < n && text[from + 1] != '\'')
            text[to++] = text[from++];
        else if (text[from] == '\\')
            from++;
        if (from < n)
            text[to++] = text[from];
    }
    memmove(text + to, text + from, n - from + 1);
    b->doc->text.n = n - (from - to);
    return true;
}

// ---- Events ----

static int add_scalar(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    struct cb_doc_node *node = new_node(b, CB_DOC_SCALAR, e);
    node->text = cb_arena_str(&b->doc->arena, cb_strn(e->data.scalar.value, e->data.scalar.length));
    node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (has_tag(e->data.scalar.tag))
        node->tag = tag_of((const char *)e->data.scalar.tag);
    else if (!node->plain)
        node->tag = CB_TAG_STR;
    else
        node->tag = cb_str_is(node->text, "<<") ? CB_TAG_MERGE : cb_scalar_resolve(node->text).tag;
    set_anchor(b, e->data.scalar.anchor, node);
    attach(b, node);
    if (node->plain)
        return check_flow_plain(b, e, err);
    return e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ? check_double_quoted(b, e, err) : 0;
}

static int add_alias(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    struct cb_doc_node *node = new_node(b, CB_DOC_ALIAS, e);
    node->text = cb_arena_str(&b->doc->arena, cb_str((const char *)e->data.alias.anchor));
    node->target = cb_map_get(&b->anchors, node->text);
    if (!node->target)
        return cb_doc_fail(b->doc, node, err, "no anchor \"&%s\" stands before this", node->text.p);
    attach(b, node);
    return 0;
}

static int add_sequence(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    struct cb_doc_node *node = new_node(b, CB_DOC_SEQUENCE, e);
    const yaml_char_t *tag = e->data.sequence_start.tag;
    node->tag = has_tag(tag) ? tag_of((const char *)tag) : CB_TAG_SEQ;
    set_anchor(b, e->data.sequence_start.anchor, node);
    return open_collection(b, node, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE, err);
}

static int add_mapping(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    struct cb_doc_node *node = new_node(b, CB_DOC_MAPPING, e);
    const yaml_char_t *tag = e->data.mapping_start.tag;
    node->tag = has_tag(tag) ? tag_of((const char *)tag) : CB_TAG_MAP;
    set_anchor(b, e->data.mapping_start.anchor, node);
    return open_collection(b, node, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE, err);
}

// 1 where the document goes on, 0 at its end, -1.
static int add_event(struct builder *b, const yaml_event_t *e, struct cb_error *err)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return check_version(b, e, err) ? -1 : 1;
    case YAML_SCALAR_EVENT:
        return add_scalar(b, e, err) ? -1 : 1;
    case YAML_ALIAS_EVENT:
        return add_alias(b, e, err) ? -1 : 1;
    case YAML_SEQUENCE_START_EVENT:
        return add_sequence(b, e, err) ? -1 : 1;
    case YAML_MAPPING_START_EVENT:
        return add_mapping(b, e, err) ? -1 : 1;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_collection(b);
        return 1;
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        return 0;
    default:
        return 1;
    }
}

// What yaml.v3 has looked at when it reaches the end of the first document: the token after it and two more.
static int look_ahead(struct builder *b, int tokens, struct cb_error *err)
{
    while (tokens-- > 0) {
        yaml_token_t token;
        if (!yaml_parser_scan(&b->parser, &token))
            return fail_parser(b, err);
        bool end = token.type == YAML_STREAM_END_TOKEN || token.type == YAML_NO_TOKEN;
        yaml_token_delete(&token);
        if (end)
            break;
    }
    return 0;
}

static int read_piece(void *ctx, unsigned char *buffer, size_t size, size_t *size_read)
{
    struct builder *b = ctx;
    struct cb_str rest = cb_str_skip(b->doc->text, b->given);
    size_t n = CB_DOC_PIECE - b->carry;
    n = n < size ? n : size;
    n = n < rest.n ? n : rest.n;
    if (n)
        memcpy(buffer, rest.p, n);
    b->given += n;
    b->carry = 0;
    for (size_t back = 1; back <= 3 && back <= b->given; back++) {
        uint8_t c = (uint8_t)b->doc->text.p[b->given - back];
        if (c >= 0xC0)
            b->carry = back < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? back : 0;
        if (c >= 0xC0 || c < 0x80)
            break;
    }
    *size_read = n;
    return 1;
}

static int build(struct builder *b, struct cb_error *err)
{
    yaml_parser_set_input(&b->parser, read_piece, b);
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&b->parser, &e))
            return fail_parser(b, err);
        int more = add_event(b, &e, err);
        int ahead = e.type != YAML_DOCUMENT_END_EVENT ? 0 : e.data.document_end.implicit ? 3 : 2;
        yaml_event_delete(&e);
        if (more < 0)
            return -1;
        if (more == 0)
            return look_ahead(b, ahead, err);
        b->work += b->open.n;
        if (b->work > CB_DOC_WORK)
            return cb_fail(err, CB_E_LIMIT, "%s: too many values in too deep a nesting", b->doc->name);
    }
}

// ---- Life ----

static int attempt(struct cb_doc *doc, bool *again, struct cb_error *err)
{
    struct builder b = {.doc = doc};
    if (!yaml_parser_initialize(&b.parser))
        return cb_fail(err, CB_E_LIMIT, "%s: out of memory", doc->name);
    doc->root = NULL;
    int result = build(&b, err);
    *again = result && drop_escaped_quotes(&b);
    yaml_parser_delete(&b.parser);
    while (b.open.n)
        close_collection(&b);
    cb_vec_release(&b.open);
    cb_map_release(&b.anchors);
    return result;
}

static int from_utf16(struct cb_str s, bool big, const char *name, struct cb_buf *out, struct cb_error *err)
{
    uint32_t high = 0;
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        uint8_t a = (uint8_t)s.p[i], b = (uint8_t)s.p[i + 1];
        uint32_t unit = big ? (uint32_t)a << 8 | b : (uint32_t)b << 8 | a;
        bool is_low = (unit & 0xFC00) == 0xDC00;
        if (is_low != (high != 0))
            return cb_fail(err, CB_E_CONFIG, "%s: half a surrogate pair in UTF-16 text at byte %zu", name, i + 2);
        if ((unit & 0xFC00) == 0xD800) {
            high = unit;
            continue;
        }
        cb_utf8_add(out, high ? 0x10000 + ((high & 0x3FF) << 10) + (unit & 0x3FF) : unit);
        high = 0;
    }
    if (high || s.n % 2)
        return cb_fail(err, CB_E_CONFIG, "%s: UTF-16 text ends within a character", name);
    return 0;
}

static int set_text(struct cb_doc *doc, struct cb_str text, struct cb_error *err)
{
    bool little = cb_str_starts(text, "\xFF\xFE"), big = cb_str_starts(text, "\xFE\xFF");
    CB_BUF_AUTO utf8 = {0};
    if ((little || big) && from_utf16(cb_str_skip(text, 2), big, doc->name, &utf8, err))
        return -1;
    if (!little && !big)
        cb_buf_addstr(&utf8, cb_str_skip(text, cb_str_starts(text, "\xEF\xBB\xBF") ? 3 : 0));
    doc->text.n = utf8.n;
    doc->text.p = cb_buf_take(&utf8);
    return 0;
}

int cb_doc_parse(struct cb_doc *doc, const char *name, struct cb_str text, struct cb_error *err)
{
    doc->name = name;
    if (text.n > CB_DOC_BYTES)
        return cb_fail(err, CB_E_LIMIT, "%s: %zu bytes, but a document may have %u", name, text.n, CB_DOC_BYTES);
    if (set_text(doc, text, err))
        return -1;
    for (size_t left = CB_DOC_REREAD;; left -= doc->text.n) {
        bool again;
        if (attempt(doc, &again, err) == 0)
            return 0;
        if (!again)
            return -1;
        cb_error_clear(err);
        cb_arena_release(&doc->arena);
        if (left < doc->text.n)
            return cb_fail(err, CB_E_LIMIT, "%s: too often \"\\'\" within double quotes", name);
    }
}

void cb_doc_release(struct cb_doc *doc)
{
    cb_arena_release(&doc->arena);
    free((char *)(uintptr_t)doc->text.p);
    *doc = (struct cb_doc){0};
}

const char *cb_doc_what(const struct cb_doc_node *node)
{
    while (node->kind == CB_DOC_ALIAS && node->target)
        node = node->target;
    if (node->kind == CB_DOC_SEQUENCE)
        return "a list";
    if (node->kind == CB_DOC_MAPPING)
        return "a map";
    static const char *const names[] = {
        [CB_TAG_NULL] = "null",          [CB_TAG_BOOL] = "a boolean", [CB_TAG_INT] = "a number",
        [CB_TAG_FLOAT] = "a number",     [CB_TAG_STR] = "a string",   [CB_TAG_TIMESTAMP] = "a date",
        [CB_TAG_BINARY] = "binary data", [CB_TAG_MERGE] = "\"<<\"",   [CB_TAG_SEQ] = "a string",
        [CB_TAG_MAP] = "a string",       [CB_TAG_OTHER] = "a string",
    };
    return names[node->tag];
}
