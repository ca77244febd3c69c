// Which packages a world needs, and in which order they are installed.
//
// Source: apko pkg/apk/apk/repo.go (PkgResolver), whose choices these are exactly. It is a greedy solver without
// backtracking: what it refuses, it refuses; resolver.c tells how it goes.
#ifndef CB_APK_RESOLVER_H
#define CB_APK_RESOLVER_H

#include "cbuild/apk/index.h"

// Work after which a resolution is refused: some seconds. Two hundred packages out of a hundred thousand need less than
// a thousandth of it.
#define CB_RESOLVE_STEPS_MAX UINT64_C(400000000)
#define CB_RESOLVE_DEPTH_MAX 100000u // packages on one chain of dependencies

// Looks up names in the indexes of one architecture. Read-only once made: threads may share it.
struct cb_resolver;

// The order of the indexes matters where they have the same package: it is the order of /etc/apk/repositories, that is,
// repository lines in byte order, and last the index of a base image. Indexes are borrowed. Of indexes with the same
// base (a repository that is given with and without a tag) one stands for all of them: the last of the list where it is
// among them, else the first of them.
struct cb_resolver *cb_resolver_new(const struct cb_index *const *indexes, size_t n);
void cb_resolver_free(struct cb_resolver *r);

void cb_resolver_limit_steps(struct cb_resolver *r, uint64_t most); // instead of CB_RESOLVE_STEPS_MAX

// Zero-initialise to start. Borrows from the indexes, not from the resolver.
struct cb_resolution {
    struct cb_arena arena; // holds the rest
    struct {
        struct cb_repo_package *v;
        size_t n;
    } packages;               // in the order of installation
    struct cb_strs conflicts; // what the packages' "!name" dependencies name, as written, each once: refuse to install
                              // onto a base image that has one of these
};
void cb_resolution_release(struct cb_resolution *out);

// world: as cb_world gives it. siblings: the resolvers of every architecture that is built together with this one (it
// may be among them; with fewer than two they are as none); packages that one of them lacks in that version are not
// taken. Locked worlds are resolved without siblings.
//
// Errors: CB_E_NOT_FOUND nothing provides a name; CB_E_CONFLICT everything that does is ruled out, or two chosen
// packages exclude one another; CB_E_INPUT a malformed version in a dependency, or a chosen package whose name, version
// or architecture cannot be a file name; CB_E_LIMIT the limits above. The message goes from the world's entry down to
// the cause; where more than one candidate was ruled out, the detail has a line for each, and why; the hint has near
// names, versions that exist and the indexes that were searched.
int cb_resolve(const struct cb_resolver *r, const struct cb_strs *world, const struct cb_resolver *const *siblings,
               size_t nsiblings, struct cb_resolution *out, struct cb_error *err);

// The text of /etc/apk/world for packages as the configuration and flags give them (duplicates already removed), and
// its entries: sorted by bytes, then split at white space (so "a > 1" is three entries, as with the reference).
// Source: apko pkg/apk/apk/world.go. Entries live in *a.
void cb_world(const struct cb_strs *packages, struct cb_arena *a, struct cb_str *text, struct cb_strs *entries);

#endif
