#include "cause.h"

// ---- what is ignored ----------------------------------------------------------------------------------------------

bool cause_is_lenient(const struct cb_diff_options *o)
{
    const struct cb_diff_ignore *i = &o->ignore;
    return i->file_timestamps || i->image_timestamps || i->file_order || i->file_mode_bits || i->history ||
           i->image_name || i->tar_format || i->canonical_paths || (o->ignored && o->ignored->n);
}

// Without recursion: after a mismatch the last star takes one byte more. "**" takes slashes, too, and with a slash
// behind it also nothing at all.
static bool matches(struct cb_str pattern, struct cb_str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, star_at = 0, deep = SIZE_MAX, deep_at = 0;
    while (i < s.n || p < pattern.n) {
        if (p + 1 < pattern.n && pattern.p[p] == '*' && pattern.p[p + 1] == '*') {
            p += 2;
            if (p < pattern.n && pattern.p[p] == '/' && (i == 0 || s.p[i - 1] == '/'))
                p++;
            deep = p;
            deep_at = i;
            star = SIZE_MAX;
            continue;
        }
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            star_at = i;
            continue;
        }
        if (i < s.n && p < pattern.n && (pattern.p[p] == s.p[i] || (pattern.p[p] == '?' && s.p[i] != '/'))) {
            p++;
            i++;
            continue;
        }
        if (star != SIZE_MAX && star_at < s.n && s.p[star_at] != '/') {
            p = star;
            i = ++star_at;
        } else if (deep != SIZE_MAX && deep_at < s.n) {
            p = deep;
            deep_at++;
            while (deep && pattern.p[deep - 1] == '/' && deep_at < s.n && s.p[deep_at - 1] != '/')
                deep_at++;
            i = deep_at;
            star = SIZE_MAX;
        } else {
            return false;
        }
    }
    return true;
}

static bool matches_part(struct cb_str pattern, struct cb_str path)
{
    struct cb_str part;
    while (cb_str_cut(&path, '/', &part))
        if (matches(pattern, part))
            return true;
    return false;
}

static bool matches_path(struct cb_str pattern, struct cb_str path)
{
    if (cb_str_starts(pattern, "/"))
        pattern = cb_str_skip(pattern, 1);
    if (cb_str_ends(pattern, "/"))
        pattern = cb_str_head(pattern, pattern.n - 1);
    for (size_t i = 0; i <= path.n; i++)
        if ((i == path.n || path.p[i] == '/') && matches(pattern, cb_str_head(path, i)))
            return true;
    return false;
}

bool cause_is_ignored_path(const struct cb_diff_options *o, struct cb_str path)
{
    while (cb_str_starts(path, "./") || cb_str_starts(path, "/"))
        path = cb_str_skip(path, path.p[0] == '/' ? 1 : 2);
    if (cb_str_ends(path, "/"))
        path = cb_str_head(path, path.n - 1);
    for (size_t i = 0; o->ignored && i < o->ignored->n; i++) {
        struct cb_str pattern = o->ignored->v[i];
        struct cb_str inner = cb_str_head(pattern, pattern.n ? pattern.n - 1 : 0);
        if (pattern.n && (cb_str_find(inner, '/') < 0 ? matches_part(pattern, path) : matches_path(pattern, path)))
            return true;
    }
    return false;
}

static bool ends(const char *path, const char *with)
{
    return cb_str_ends(cb_str(path), with);
}

static bool starts(const char *path, const char *with)
{
    return cb_str_starts(cb_str(path), with);
}

static bool is_time(const char *path)
{
    return ends(path, ".created") || ends(path, "[\"org.opencontainers.image.created\"]");
}

static bool is_name(const char *path)
{
    return ends(path, "[\"io.containerd.image.name\"]") || ends(path, "[\"org.opencontainers.image.ref.name\"]");
}

// Digests and sizes, which say only that what they stand for differs.
static bool is_consequence(const char *path)
{
    bool listed = starts(path, ".layers[") || starts(path, ".manifests[") || starts(path, ".config.");
    return (listed && (ends(path, "].digest") || ends(path, "].size") || !strcmp(path, ".config.digest") ||
                       !strcmp(path, ".config.size"))) ||
           starts(path, ".rootfs.diff_ids[");
}

bool cause_is_ignored_field(const struct cb_diff_options *o, const char *path, bool one_sided)
{
    return (cause_is_lenient(o) && is_consequence(path) && !one_sided) ||
           (o->ignore.image_timestamps && is_time(path)) || (o->ignore.history && starts(path, ".history")) ||
           (o->ignore.image_name && is_name(path));
}

// ---- why ----------------------------------------------------------------------------------------------------------

struct cb_str cause_of_field(const char *path)
{
    if (is_time(path))
        return CB_STR("another time stamp");
    if (starts(path, ".manifests["))
        return is_consequence(path) ? CB_STR("follows from the image") : CB_STR("");
    if (starts(path, ".layers["))
        return is_consequence(path) ? CB_STR("follows from the layer") : CB_STR("");
    if (starts(path, ".rootfs.diff_ids["))
        return CB_STR("follows from the layer's contents");
    if (!strcmp(path, ".config.digest") || !strcmp(path, ".config.size"))
        return CB_STR("follows from the config");
    if (is_name(path))
        return CB_STR("another name");
    if (starts(path, ".annotations") || starts(path, ".config."))
        return CB_STR("another configuration");
    if (starts(path, ".history["))
        return ends(path, ".comment") ? CB_STR("another release's habit, or another title") : CB_STR("another history");
    return CB_STR("");
}

static const struct {
    const char *path; // a "/" at the end: all that is below
    const char *cause, *where_packages_differ;
} known[] = {
    {"etc/apko.json", "another configuration", "another configuration: the packages are locked in it"},
    {"etc/apk/world", "another configuration", "follows from the packages"},
    {"etc/apk/repositories", "another list of repositories", NULL},
    {"etc/apk/keys/", "another key of a repository", NULL},
    {"usr/lib/apk/db/", "another database of packages", "follows from the packages"},
    {"lib/apk/db/", "another database of packages", "follows from the packages"},
    {"etc/ld.so.cache", "another order of libraries: another release's habit (apko v1.2.21 changed it)",
     "follows from the libraries"},
    {"etc/passwd", "other accounts", NULL},
    {"etc/group", "other accounts", NULL},
    {"etc/shadow", "other accounts, or another release's habit (apko v1.2.25 and later add created users)", NULL},
    {"etc/ssl/certs/.ca-certificates.crt.sha256", "another release's habit (apko v1.2.30 and later write it)",
     "follows from the certificates"},
};

static struct cb_str known_cause(const struct packages *p, struct cb_str path)
{
    bool differ = p->report->packages.n > p->first;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct cb_str k = cb_str(known[i].path);
        bool fits = cb_str_ends(k, "/") ? cb_str_starts(path, known[i].path) : cb_str_eq(path, k);
        if (fits)
            return cb_str(differ && known[i].where_packages_differ ? known[i].where_packages_differ : known[i].cause);
    }
    return CB_STR("");
}

struct cb_str cause_of_entry(const struct packages *p, struct cb_str path, struct cb_str owner, unsigned ways)
{
    if (ways == ENTRY_TIME)
        return CB_STR("another time stamp");
    if (ways == ENTRY_FORMAT)
        return CB_STR("another tar format");
    struct cb_str cause = owner.n ? packages_cause(p, owner) : CB_STR("");
    if (!cause.n)
        cause = known_cause(p, path);
    if (cause.n && (ways & (ENTRY_ONLY | ENTRY_CONTENTS | ENTRY_TYPE)))
        return cause;
    if ((ways & ~(unsigned)ENTRY_TIME) == ENTRY_MODE)
        return CB_STR("other permissions");
    if ((ways & ~(unsigned)ENTRY_TIME) == ENTRY_OWNER)
        return CB_STR("another owner");
    if ((ways & ~(unsigned)ENTRY_TIME) == ENTRY_ATTRIBUTES)
        return CB_STR("other extended attributes");
    if (ways & ENTRY_CONTENTS)
        return owner.n ? CB_STR("changed after the package was installed") : CB_STR("other contents");
    return ways & ENTRY_TYPE ? CB_STR("another kind of file") : CB_STR("");
}
