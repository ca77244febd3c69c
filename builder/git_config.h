// As much of git's configuration files as a checkout's address needs.
#ifndef CB_GIT_CONFIG_H
#define CB_GIT_CONFIG_H

#include "cbuild/base/arena.h"
#include "cbuild/base/vec.h"

struct git_config {
    struct cb_strs urls, push_urls; // of remote "origin"
    struct {
        struct {
            struct cb_str base, instead_of;
        } * v;
        size_t n, cap;
    } rules;            // the [url "base"] sections
    bool has_extension; // any but "noop"
    struct cb_arena arena;
};

// False for what is malformed; *c is to be released all the same.
bool git_config_parse(struct git_config *c, struct cb_str text);
void git_config_release(struct git_config *c);

// The first address of remote "origin", with the longest matching insteadOf rule applied; false where there is none.
bool git_config_origin(struct git_config *c, struct cb_str *url);

#endif
