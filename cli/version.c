#include <stdio.h>

#include "cbuild/text/gojson.h"
#include "command.h"

static bool as_json;

static struct cb_flag flags[] = {
    {"json", 0, CB_FLAG_BOOL, &as_json, NULL, "print JSON instead of text", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    (void)in;
    (void)err;
    if (!as_json) {
        printf("cbuild %s\n", CBUILD_VERSION);
        return 0;
    }
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, "", "  ");
    cb_json_object(&j);
    cb_json_key(&j, "version");
    cb_json_cstr(&j, CBUILD_VERSION);
    cb_json_key(&j, "compiler");
    cb_json_cstr(&j, __VERSION__);
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
