// golden/builder/elf*.txt: what Go 1.26's debug/elf says of four small libraries cut at every byte ("cut") and with
// every byte set to a value (0, 1, 127, 128, 255; -1: one more; -2: bit 3 flipped). Runs of "<count> <verdict in hex>";
// the verdict is "none", "crash", or "<machine>:<sonames with commas>".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../builder/elf.h"
#include "cbuild/crypto/hash.h"
#include "golden_lines.h"

struct sonames {
    struct cb_buf text;
    size_t n;
};

static void add_soname(void *ctx, struct cb_str soname)
{
    struct sonames *s = ctx;
    if (s->n++ > 0)
        cb_buf_addc(&s->text, ',');
    cb_buf_addstr(&s->text, soname);
}

static void verdict(struct cb_str bytes, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct sonames sonames = {0};
    uint16_t machine;
    struct cb_node file = {.mode = S_IFREG | 0644, .content = {.bytes = bytes, .fd = -1, .length = bytes.n}};
    cb_buf_reset(out);
    if (cb_elf_read(&file, &machine, add_soname, &sonames, &err)) {
        assert_int_equal(err.kind, CB_E_INPUT);
        cb_buf_adds(out, "none");
    } else {
        cb_buf_addf(out, "%u:", machine);
        cb_buf_addstr(out, cb_buf_str(&sonames.text));
    }
    cb_buf_release(&sonames.text);
}

static void change(struct cb_str what, size_t i, struct cb_buf *bytes)
{
    int64_t value;
    if (cb_str_is(what, "cut")) {
        bytes->n = i;
        return;
    }
    assert_true(cb_str_i64(cb_str_skip(what, 3), 10, &value));
    char old = bytes->p[i];
    bytes->p[i] = (char)(value == -1 ? old + 1 : value == -2 ? old ^ 8 : value);
}

static void one_file(void **state)
{
    const char *name = *state;
    CB_BUF_AUTO hex = {0};
    CB_BUF_AUTO golden = {0};
    CB_BUF_AUTO base = {0};
    CB_BUF_AUTO got = {0};
    CB_AUTOFREE char *data = cb_format("tests/builder/data/%s.hex", name);
    CB_AUTOFREE char *expected = cb_format("golden/builder/%s.txt", name);
    read_data(data, &hex);
    read_data(expected, &golden);
    struct cb_str rest = cb_buf_str(&hex), f[3];
    for (struct cb_str line; cb_str_field(&rest, &line);) {
        cb_buf_reserve(&base, line.n / 2 + 1);
        assert_true(cb_unhex((uint8_t *)base.p + base.n, line.n / 2, line));
        base.n += line.n / 2;
    }
    size_t i = 0;
    struct cb_str what = {0};
    rest = cb_buf_str(&golden);
    while (next_fields(&rest, ' ', f, 3) == 3) {
        uint64_t count;
        char text[256];
        assert_true(cb_str_u64(f[1], 10, &count) && f[2].n / 2 < sizeof text &&
                    cb_unhex((uint8_t *)text, f[2].n / 2, f[2]));
        i = cb_str_eq(what, f[0]) ? i : 0;
        what = f[0];
        for (; count > 0; count--, i++) {
            CB_BUF_AUTO bytes = {0};
            cb_buf_addstr(&bytes, cb_buf_str(&base));
            change(what, i, &bytes);
            CB_AUTOFREE char *exact = cb_strndup(bytes.p, bytes.n); // so that a sanitizer sees reads past the end
            verdict(cb_strn(exact, bytes.n), &got);
            struct cb_str want = cb_strn(text, f[2].n / 2);
            if (!cb_str_eq(cb_buf_str(&got), cb_str_is(want, "crash") ? CB_STR("none") : want))
                fail_msg("%s, %.*s %zu: %.*s, expected %.*s", name, CB_STR_ARG(what), i, CB_STR_ARG(cb_buf_str(&got)),
                         CB_STR_ARG(want));
        }
    }
    assert_true(i > 100);
}

int main(void)
{
    static char *const names[] = {"elf64-le", "elf64-be", "elf32-le", "elf32-be"};
    struct CMUnitTest tests[4];
    for (size_t i = 0; i < 4; i++)
        tests[i] = (struct CMUnitTest){names[i], one_file, NULL, NULL, names[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
