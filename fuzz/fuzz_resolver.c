// Text up to a line "%%" is an index, the rest a world, one entry a line. Any input ends in a list or an error; solved
// twice, the answer is the same.
#include <stdlib.h>

#include "cbuild/apk/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_world(struct cb_str rest, struct cb_strs *world)
{
    struct cb_str line;
    while (rest.n && world->n < 16 && cb_str_cut(&rest, '\n', &line))
        cb_strs_add(world, line);
}

static void solve_twice(const struct cb_index *x, const struct cb_strs *world)
{
    struct cb_resolver *r = cb_resolver_new(&x, 1);
    struct cb_resolver *both[] = {r, cb_resolver_new(&x, 1)};
    struct cb_resolution out[2] = {{{0}}};
    struct cb_error err[2] = {CB_ERROR_INIT, CB_ERROR_INIT};
    int failed[2];
    for (int i = 0; i < 2; i++) {
        cb_resolver_limit_steps(both[i], 100000);
        failed[i] = cb_resolve(both[i], world, (const struct cb_resolver *const *)both, 2, &out[i], &err[i]);
    }
    if (failed[0] != failed[1] || out[0].packages.n != out[1].packages.n || err[0].kind != err[1].kind)
        abort();
    for (size_t i = 0; i < out[0].packages.n; i++)
        if (!cb_str_eq(out[0].packages.v[i].url, out[1].packages.v[i].url))
            abort();
    for (int i = 0; i < 2; i++) {
        cb_error_clear(&err[i]);
        cb_resolution_release(&out[i]);
        cb_resolver_free(both[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_str text = cb_strn(data, size), rest = text;
    const char *mark = size ? memmem(data, size, "\n%%\n", 4) : NULL;
    if (mark) {
        text.n = (size_t)(mark + 1 - text.p);
        rest = cb_str_skip(rest, text.n + 3);
    }
    struct cb_mem_source source = cb_mem_source(text.p, text.n);
    const struct cb_index_origin origin = {CB_STR("https://r/x86_64"), CB_STR(""), CB_STR("x86_64")};
    struct cb_index *x;
    struct cb_strs world = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_index_parse(&source.source, &origin, &x, &err))
        return 0;
    take_world(rest, &world);
    solve_twice(x, &world);
    cb_strs_release(&world);
    cb_index_free(x);
    return 0;
}
