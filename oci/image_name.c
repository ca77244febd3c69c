// What a word on the command line names.
#include <sys/stat.h>

#include "cbuild/oci/image_source.h"

static const struct {
    const char *prefix;
    enum cb_image_place place;
} prefixes[] = {
    {"docker://", CB_PLACE_REGISTRY},
    {"registry:", CB_PLACE_REGISTRY}, // as syft and crane's documentation have it
    {"oci-archive:", CB_PLACE_OCI_ARCHIVE},
    {"docker-archive:", CB_PLACE_DOCKER_ARCHIVE},
    {"docker-daemon:", CB_PLACE_DAEMON},
    {"oci:", CB_PLACE_LAYOUT},
    {"oci-layout:", CB_PLACE_LAYOUT},
};

static bool exists(struct cb_str path, bool *folder)
{
    struct stat st;
    CB_AUTOFREE char *p = cb_strndup(path.p, path.n);
    if (path.n == 0 || stat(p, &st))
        return false;
    *folder = S_ISDIR(st.st_mode);
    return true;
}

static bool is_path(struct cb_str s)
{
    return cb_str_starts(s, "/") || cb_str_starts(s, "./") || cb_str_starts(s, "../") || cb_str_is(s, ".") ||
           cb_str_is(s, "..");
}

// "PATH@sha256:..." or "PATH:NAME", where the whole is not itself a path that exists.
static void split_path(struct cb_image_name *n)
{
    bool folder;
    if (exists(n->where, &folder))
        return;
    for (size_t i = n->where.n; i-- > 1;) {
        char c = n->where.p[i];
        if ((c != ':' && c != '@') || !exists(cb_str_head(n->where, i), &folder))
            continue;
        n->select = cb_str_skip(n->where, i + 1);
        n->where = cb_str_head(n->where, i);
        return;
    }
}

struct cb_image_name cb_image_name_parse(struct cb_str word)
{
    struct cb_image_name n = {.place = CB_PLACE_REGISTRY, .where = word};
    bool folder;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (!cb_str_starts(word, prefixes[i].prefix))
            continue;
        n.place = prefixes[i].place;
        n.where = cb_str_skip(word, strlen(prefixes[i].prefix));
        if (n.place != CB_PLACE_REGISTRY && n.place != CB_PLACE_DAEMON)
            split_path(&n);
        return n;
    }
    if (is_path(word)) // elsewhere "name:tag" is a reference, though there be a folder of that name
        split_path(&n);
    if (exists(n.where, &folder))
        n.place = folder ? CB_PLACE_LAYOUT : CB_PLACE_ARCHIVE;
    else if (is_path(n.where))
        n.place = CB_PLACE_ARCHIVE;
    return n;
}

// "FOLDER:NAME" of a folder that need not exist yet: what stands behind the last colon of the last part is the name.
static void split_new_path(struct cb_image_name *n)
{
    ptrdiff_t colon = cb_str_rfind(n->where, ':'), slash = cb_str_rfind(n->where, '/');
    bool folder;
    if (n->select.n || colon <= slash || colon <= 0 || exists(n->where, &folder))
        return;
    n->select = cb_str_skip(n->where, (size_t)colon + 1);
    n->where = cb_str_head(n->where, (size_t)colon);
}

struct cb_image_name cb_image_target_parse(struct cb_str word)
{
    struct cb_image_name n = cb_image_name_parse(word);
    if (n.place == CB_PLACE_ARCHIVE && is_path(n.where)) {
        struct stat st;
        CB_AUTOFREE char *path = cb_strndup(n.where.p, n.where.n);
        if (stat(path, &st))
            n.place = CB_PLACE_LAYOUT;
    }
    if (n.place == CB_PLACE_LAYOUT)
        split_new_path(&n);
    return n;
}
