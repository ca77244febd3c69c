#include <stdio.h>

#include "cbuild/builder/arch.h"
#include "cbuild/text/gojson.h"
#include "command.h"

#if defined __clang__
#define COMPILER "clang"
#else
#define COMPILER "gcc"
#endif

static bool as_json;

static struct cb_flag flags[] = {
    {"json", 0, CB_FLAG_BOOL, &as_json, NULL, "print JSON instead of text", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

// The names are the reference's, for scripts that look for them. What was not recorded at the build is not shown.
static int run(const struct cb_invocation *in, struct cb_error *err)
{
    (void)in;
    (void)err;
    CB_AUTOFREE char *platform = cb_format("linux/%.*s", CB_STR_ARG(cb_arch_host()));
    const struct {
        const char *label, *key, *value;
    } facts[] = {
        {"GitVersion", "gitVersion", CBUILD_VERSION},
        {"Compiler", "compiler", COMPILER " " __VERSION__},
        {"Platform", "platform", platform},
    };
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, "", "  ");
    if (as_json)
        cb_json_object(&j);
    else
        cb_buf_adds(&out, "cbuild " CBUILD_VERSION "\n\n");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (as_json) {
            cb_json_key(&j, facts[i].key);
            cb_json_cstr(&j, facts[i].value);
        } else {
            cb_buf_addf(&out, "%s: %*s%s\n", facts[i].label, (int)(13 - strlen(facts[i].label)), "", facts[i].value);
        }
    }
    if (as_json)
        cb_json_end(&j);
    printf("%s\n", out.p);
    return 0;
}

const struct cb_command cb_command_version = {
    .name = "version",
    .usage = "[flags]",
    .summary = "Print the version",
    .flags = own_flags,
    .run = run,
};
