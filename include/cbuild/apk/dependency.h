// Dependencies, provides and world entries: name[op version][@pin].
//
// Source: apko pkg/apk/apk/version.go (ResolvePackageNameVersionPin). Every text is a dependency: one that does not
// have this form is a name as a whole, without operator, version or pin.
#ifndef CB_APK_DEPENDENCY_H
#define CB_APK_DEPENDENCY_H

#include "cbuild/apk/version.h"
#include "cbuild/base/arena.h"

struct cb_dependency {
    struct cb_str name, version, pin; // version and pin empty where absent; a version may follow an unknown operator
    enum cb_version_op op;
    bool zero_first; // the version reads as "0." followed by `version`: of a "so:" name, where it has no "-r<number>"
};

// Slices of the result borrow from text, or in rare cases live in *a.
struct cb_dependency cb_dependency_parse(struct cb_str text, struct cb_arena *a);

// The same without an arena: false, with *out undefined, in the rare cases that need one.
bool cb_dependency_slice(struct cb_str text, struct cb_dependency *out);

// The name alone, by the form above and nothing else; false where text does not have it.
bool cb_dependency_name(struct cb_str text, struct cb_str *name);

static inline bool cb_dependency_has_version(const struct cb_dependency *d)
{
    return d->zero_first || d->version.n;
}

// The version to compare with; false where there is none or it is malformed.
bool cb_dependency_version(const struct cb_dependency *d, struct cb_version *out);

// Whether the version reads as text (as strings, not as versions).
bool cb_dependency_version_is(const struct cb_dependency *d, struct cb_str text);

#endif
