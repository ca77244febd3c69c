// golden/builder/busybox.txt: of each version in the table of apko d1b5d5ec, how many links there are, and the SHA-256
// of their list, sorted, each with a newline. "default" is for versions that are not in the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../builder/busybox.h"
#include "cbuild/crypto/hash.h"
#include "golden_lines.h"

static void links(void **state)
{
    (void)state;
    CB_BUF_AUTO golden = {0};
    read_data("golden/builder/busybox.txt", &golden);
    struct cb_str rest = cb_buf_str(&golden), f[3];
    while (next_fields(&rest, ' ', f, 3) == 3) {
        CB_BUF_AUTO text = {0};
        CB_BUF_AUTO sorted = {0};
        struct cb_strs list = {0};
        struct cb_str lines, link;
        uint8_t sum[CB_SHA256_SIZE];
        char hex[CB_SHA256_HEX];
        uint64_t count;
        cb_busybox_known_links(cb_str_is(f[0], "default") ? CB_STR("1.99.0") : f[0], &text);
        lines = cb_buf_str(&text);
        while (cb_str_cut(&lines, '\n', &link))
            if (link.n)
                cb_strs_add(&list, link);
        cb_strs_sort(&list);
        cb_strs_unique(&list);
        for (size_t i = 0; i < list.n; i++) {
            cb_buf_addstr(&sorted, list.v[i]);
            cb_buf_addc(&sorted, '\n');
        }
        cb_hash_once(CB_SHA256, sorted.p, sorted.n, sum);
        cb_hex(hex, sum, sizeof sum);
        assert_true(cb_str_u64(f[1], 10, &count));
        assert_int_equal(list.n, count);
        if (!cb_str_is(f[2], hex))
            fail_msg("version %.*s: other links than expected", CB_STR_ARG(f[0]));
        cb_strs_release(&list);
    }
}

static void versions(void **state)
{
    (void)state;
    static const struct {
        const char *text, *numbers;
    } cases[] = {
        {"1.36.0", "1.36.0"},
        {"v1.36.0", "1.36.0"},
        {"1.36.1-r12", "1.36.1"},
        {"1.2.3-a_B9", "1.2.3"},
        {"1.36", NULL},
        {"1.36.", NULL},
        {"1.36.0-", NULL},
        {"1.36.0-r1-r2", NULL},
        {"1.36.0_git1", NULL},
        {"", NULL},
        {"vv1.2.3", NULL},
        {"1.36.0 ", NULL},
        {"1.36.0-r1\n", NULL},
        {"1.36.0.0", NULL},
        {"01.02.003", "01.02.003"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cb_str numbers;
        bool ok = cb_busybox_version(cb_str(cases[i].text), &numbers);
        assert_int_equal(ok, cases[i].numbers != NULL);
        assert_true(!ok || cb_str_is(numbers, cases[i].numbers));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links), cmocka_unit_test(versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
