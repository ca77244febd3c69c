#include "output.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#include "cbuild/text/utf8.h"

enum {
    MESSAGE_MOST = 2000, // bytes of an error's message: room for a chain of contexts, not for a flood
    DETAIL_MOST = 6000,
    LOG_MOST = 600,
};

// Characters that move the cursor, reorder text or hide it.
static bool is_unsafe(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || rune == 0xad || rune == 0x61c ||
           (rune >= 0x200b && rune <= 0x200f) || (rune >= 0x2028 && rune <= 0x202e) ||
           (rune >= 0x2060 && rune <= 0x206f) || rune == 0xfeff || (rune >= 0xe0000 && rune <= 0xe007f);
}

void cb_escape(struct cb_buf *out, struct cb_str text, size_t most, bool lines)
{
    size_t end = out->n + most;
    while (text.n) {
        size_t n;
        uint32_t rune = cb_utf8_decode(text, &n);
        if (out->n + 12 > end) {
            cb_buf_addf(out, "... (%zu bytes more)", text.n);
            return;
        }
        if (rune == CB_RUNE_ERROR && n == 1)
            cb_buf_addf(out, "\\x%02x", (unsigned char)text.p[0]);
        else if (!is_unsafe(rune) || (lines && rune == '\n'))
            cb_buf_add(out, text.p, n);
        else if (rune == '\n')
            cb_buf_adds(out, "\\n");
        else if (rune < 0x100)
            cb_buf_addf(out, "\\x%02x", rune);
        else
            cb_buf_addf(out, "\\u{%x}", rune);
        text = cb_str_skip(text, n);
    }
}

static void add_indented(struct cb_buf *out, const char *text)
{
    CB_BUF_AUTO safe = {0};
    cb_escape(&safe, cb_str(text), DETAIL_MOST, true);
    struct cb_str rest = cb_buf_str(&safe), line;
    while (safe.n && cb_str_cut(&rest, '\n', &line))
        if (line.n || rest.n)
            cb_buf_addf(out, "  %.*s\n", CB_STR_ARG(line));
}

void cb_print_error(const struct cb_error *err)
{
    CB_BUF_AUTO out = {0};
    cb_buf_adds(&out, "Error: ");
    cb_escape(&out, cb_str(err->message), MESSAGE_MOST, false);
    cb_buf_addc(&out, '\n');
    if (err->detail)
        add_indented(&out, err->detail);
    if (err->hint) {
        cb_buf_adds(&out, "  Hint: ");
        cb_escape(&out, cb_str(err->hint), MESSAGE_MOST, false);
        cb_buf_addc(&out, '\n');
    }
    fwrite(out.p, 1, out.n, stderr);
}

static void print_log(void *ctx, enum cb_level level, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const char *const names[] = {"DEBU", "INFO", "WARN", "ERRO"};
    (void)ctx;
    CB_BUF_AUTO out = {0};
    cb_buf_addf(&out, "%s ", names[level]);
    cb_escape(&out, cb_str(text), LOG_MOST, false);
    cb_buf_addc(&out, '\n');
    pthread_mutex_lock(&lock);
    fwrite(out.p, 1, out.n, stderr);
    pthread_mutex_unlock(&lock);
}

bool cb_print_logs(const char *level)
{
    static const struct {
        const char *name;
        enum cb_level least;
        bool none;
    } levels[] = {{"debug", CB_DEBUG, false}, {"info", CB_INFO, false},  {"warn", CB_WARN, false},
                  {"error", CB_ERROR, false}, {"fatal", CB_ERROR, true}, {"panic", CB_ERROR, true}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcasecmp(level, levels[i].name))
            continue;
        if (!levels[i].none)
            cb_log_listen(print_log, NULL, levels[i].least);
        return true;
    }
    return false;
}

static int write_stdout(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)s;
    return fwrite(p, 1, n, stdout) == n ? 0 : cb_fail_errno(err, errno, "writing to standard output");
}

struct cb_sink cb_stdout_sink(void)
{
    return (struct cb_sink){write_stdout};
}

int cb_flush_stdout(struct cb_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return cb_fail_errno(err, errno, "writing to standard output");
}
