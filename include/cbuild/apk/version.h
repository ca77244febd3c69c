// Package versions: 1.2.3a_rc1_p2-r0.
//
//     number(.number)* [letter] [(_alpha|_beta|_pre|_rc)[number]] [(_cvs|_svn|_git|_hg|_p)[number]] [-rnumber]
//
// Source: apko pkg/apk/apk/version.go. It reads fewer forms than apk-tools (one suffix of each kind) and compares
// numbers as numbers (1.01 equals 1.1); a number past 2^63-1 makes the whole text no version.
#ifndef CB_APK_VERSION_H
#define CB_APK_VERSION_H

#include "cbuild/base/str.h"

enum cb_version_pre { CB_PRE_ALPHA, CB_PRE_BETA, CB_PRE_PRE, CB_PRE_RC, CB_PRE_NONE }; // in ascending order
enum cb_version_post { CB_POST_NONE, CB_POST_CVS, CB_POST_SVN, CB_POST_GIT, CB_POST_HG, CB_POST_P };

struct cb_version {
    struct cb_str numbers; // "1.2.3": a slice of the text that was parsed
    bool zero_first;       // a 0 stands before them: see struct cb_dependency
    char letter;           // 0 where absent
    enum cb_version_pre pre;
    enum cb_version_post post;
    int64_t pre_number, post_number, revision; // 0 where absent
};

// False where text is not a version; *out is then undefined. The slice in *out borrows from text.
bool cb_version_parse(struct cb_str text, struct cb_version *out);

// Negative, 0 or positive as a is older than, equal to or newer than b.
int cb_version_compare(const struct cb_version *a, const struct cb_version *b);

enum cb_version_op {
    CB_OP_ANY, // no operator, or one that is unknown ("==", "=>", ...), which the reference takes for none
    CB_OP_EQUAL,
    CB_OP_GREATER,
    CB_OP_LESS,
    CB_OP_GREATER_EQUAL,
    CB_OP_LESS_EQUAL,
    CB_OP_FUZZY, // "~" and "=~": what is given of the required version must agree
};

bool cb_version_satisfies(enum cb_version_op op, const struct cb_version *actual, const struct cb_version *required);

#endif
