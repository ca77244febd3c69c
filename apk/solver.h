// The parts of the resolver: names (what provides what), choose (which candidate), rule_out (which ones may not be
// taken), solve (the walk), explain (why not).
#ifndef APK_SOLVER_H
#define APK_SOLVER_H

#include "cbuild/apk/dependency.h"
#include "cbuild/apk/resolver.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "index_records.h"

#define NO_NAME UINT32_MAX
#define WORLD UINT32_MAX

// A package of one of the indexes. Packages, names and origins are numbered from 0 in order of first appearance.
struct candidate {
    const struct cb_record *record;
    const struct cb_index *index;
    uint32_t name, origin;
    uint32_t provided; // where its provides' names begin in `provided`
};

// Who carries a name: candidates[entries[first]] ... The `own` packages that are called so come first, in the order of
// the indexes; then, up to `all`, those that provide it.
struct name {
    uint32_t first, own, all;
};

struct u32s {
    uint32_t *v;
    size_t n, cap;
};

struct cb_resolver {
    const struct cb_index **indexes; // as given
    size_t nindexes;
    struct {
        struct candidate *v;
        size_t n, cap;
    } packages;
    struct cb_map name_ids, origin_ids; // values are numbers + 1
    struct name *names;
    size_t nnames;
    uint32_t *entries;        // package numbers; a package stands there once for each time it provides the name
    struct u32s listed;       // packages in the indexes' order; twice where an index is given twice
    struct u32s provided;     // names of all provides of all packages
    struct cb_map install_if; // an item of install_if, as written, to the struct u32s of packages that have it
    uint64_t steps_max;
    struct cb_arena arena;
};

uint32_t resolver_name(const struct cb_resolver *r, struct cb_str name); // NO_NAME where nothing carries it

static inline struct cb_str package_name(const struct candidate *c)
{
    return cb_slice_str(c->index, c->record->name);
}

static inline struct cb_str package_version(const struct candidate *c)
{
    return cb_slice_str(c->index, c->record->version);
}

static inline struct cb_str package_provides(const struct candidate *c)
{
    return cb_list(c->index, c->record->provides);
}

struct want { // a dependency of the package at hand that is not satisfied yet
    struct cb_str text;
    struct cb_dependency d;
};

struct frame { // a package whose dependencies are being walked
    uint32_t package;
    uint32_t wants, order; // where its own begin
    struct cb_str asked;   // the dependency or entry that led here
};

// One resolution. Arrays over names and packages hold numbers + 1, 0 for none.
struct solver {
    const struct cb_resolver *r;
    struct cb_arena arena; // for what lives as long as the solver
    struct cb_map odd;     // texts of dependencies that cb_dependency_slice cannot do, to struct cb_dependency

    uint32_t *ruled_out; // by package: reason
    uint32_t *needed_by; // by package: the first that led the walk there, WORLD for an entry of the world; for messages
    struct {
        struct reason *v;
        size_t n, cap;
    } reasons;

    uint32_t *selected; // by name: the package that was settled on for it
    uint32_t *direct;   // by name: the package that world entries so far brought in
    uint32_t *existing; // by name: `direct`, and what the walk of the current entry brought in
    struct cb_str *direct_origin, *existing_origin; // by origin: the version of such a package; p is NULL for none
    struct u32s touched, touched_origins;           // where the last two differ from the direct ones

    bool *on_path; // by name: stands on the way from the world's entry to here
    struct {
        struct frame *v;
        size_t n, cap;
    } path;
    struct {
        struct want *v;
        size_t n, cap;
    } wants; // of the frames, one frame's after another's

    struct u32s order; // what the walk found, dependencies first, repetitions included
    struct cb_strs conflicts;
    struct u32s matches, best_matches; // scratch: candidates that a dependency may take
    uint64_t steps;
};

// Counts work against steps_max: -1 and CB_E_LIMIT once it is used up.
int solver_step(struct solver *s, uint64_t n, struct cb_error *err);

// choose.c

// The candidates of name that satisfy d, into *out, in the order of the entries. Packages of tagged repositories only
// where their tag is pin, or where they are `installed` already (a package number + 1, or 0).
int solver_filter(struct solver *s, uint32_t name, const struct cb_dependency *d, struct cb_str pin, uint32_t installed,
                  struct u32s *out, struct cb_error *err);

// What a choice depends on, besides the candidates.
struct preference {
    struct cb_str name; // that is looked for
    struct cb_str pin;
    bool installed; // prefer what `existing` has
};

uint32_t solver_best(struct solver *s, const struct u32s *matches, const struct preference *p); // matches not empty

// The version that c carries for name: its own where it is called so, or that of the first provide of the name.
struct cb_dependency carried_version(struct solver *s, const struct candidate *c, struct cb_str name);

struct cb_dependency solver_parse(struct solver *s, struct cb_str text); // cb_dependency_parse, odd forms kept

// rule_out.c

enum reason_kind {
    OTHER_ARCH,    // text: the architecture
    EXCLUDED,      // text: the constraint after the '!'
    BAD_VERSION,   // text: the version
    UNSATISFYING,  // text: the constraint
    PROVIDES_LESS, // text: the constraint, provide: what it provides
    PROVIDED,      // other: the package that provides the name `text` already
};

struct reason {
    enum reason_kind kind;
    struct cb_str text, provide;
    uint32_t other;
    uint32_t by; // the package whose dependency it is + 1, WORLD
};

int rule_out_unlike(struct solver *s, const struct cb_resolver *const *siblings, size_t n, struct cb_error *err);
int rule_out_by(struct solver *s, const struct cb_strs *constraints, struct cb_error *err);
int rule_out_rivals(struct solver *s, uint32_t package, struct cb_error *err); // of what the package provides

// explain.c: fill *err and return -1.

int explain_missing(struct solver *s, struct cb_str name, struct cb_error *err);
int explain_ruled_out(struct solver *s, uint32_t name, struct cb_str constraint, struct cb_error *err);
int explain_clash(struct solver *s, uint32_t chosen, uint32_t earlier, struct cb_str name, struct cb_error *err);
int explain_settled(struct solver *s, uint32_t settled, struct cb_str constraint, struct cb_error *err);
struct cb_str package_label(struct solver *s, uint32_t package); // "name-version"

#endif
