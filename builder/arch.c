#include "cbuild/builder/arch.h"

#define S(literal)                                                                                                     \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
#define COUNT 9

static const struct cb_str oci_names[COUNT] = {S("386"),     S("amd64"),   S("arm64"),   S("arm/v6"), S("arm/v7"),
                                               S("loong64"), S("ppc64le"), S("riscv64"), S("s390x")};
static const struct cb_str apk_names[COUNT] = {S("x86"),         S("x86_64"),  S("aarch64"), S("armhf"), S("armv7"),
                                               S("loongarch64"), S("ppc64le"), S("riscv64"), S("s390x")};

struct cb_str cb_arch_parse(struct cb_str name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (cb_str_eq(name, oci_names[i]) || cb_str_eq(name, apk_names[i]))
            return oci_names[i];
    return name;
}

bool cb_arch_known(struct cb_str name)
{
    struct cb_str arch = cb_arch_parse(name);
    for (size_t i = 0; i < COUNT; i++)
        if (cb_str_eq(arch, oci_names[i]))
            return true;
    return false;
}

struct cb_str cb_arch_to_apk(struct cb_str arch)
{
    arch = cb_arch_parse(arch);
    for (size_t i = 0; i < COUNT; i++)
        if (cb_str_eq(arch, oci_names[i]))
            return apk_names[i];
    return arch;
}

const struct cb_str *cb_arch_all(size_t *n)
{
    *n = COUNT;
    return oci_names;
}

// Go's name of the machine. Go calls every 32-bit ARM "arm", which the reference takes for an architecture of its own.
struct cb_str cb_arch_host(void)
{
#if defined __x86_64__
    return CB_STR("amd64");
#elif defined __aarch64__
    return CB_STR("arm64");
#elif defined __i386__
    return CB_STR("386");
#elif defined __arm__
    return CB_STR("arm");
#elif defined __loongarch64
    return CB_STR("loong64");
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
    return CB_STR("ppc64le");
#elif defined __riscv && __riscv_xlen == 64
    return CB_STR("riscv64");
#elif defined __s390x__
    return CB_STR("s390x");
#else
#error "which architecture is this?"
#endif
}

void cb_arch_list(const struct cb_strs *names, struct cb_strs *out)
{
    if (names->n == 1 && cb_str_is(names->v[0], "all")) {
        for (size_t i = 0; i < COUNT; i++)
            cb_strs_add(out, oci_names[i]);
        return;
    }
    if (names->n == 1 && cb_str_is(names->v[0], "host")) {
        cb_strs_add(out, cb_arch_parse(cb_arch_host()));
        return;
    }
    for (size_t i = 0; i < names->n; i++)
        cb_strs_add(out, cb_arch_parse(names->v[i]));
    cb_strs_sort(out);
    cb_strs_unique(out);
}
