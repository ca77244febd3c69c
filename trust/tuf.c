// The client: roots, timestamp, snapshot, targets, in that order, each by the keys that the one before names.
#include "cbuild/trust/tuf.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/text/json_read.h"
#include "cbuild/trust/trusted_root.h"
#include "tuf_meta.h"

static const char *const role_names[CB_TUF_ROLES] = {"root", "timestamp", "snapshot", "targets"};
static const size_t role_limits[CB_TUF_ROLES] = {CB_TUF_ROOT_MAX, CB_TUF_TIMESTAMP_MAX, CB_TUF_SNAPSHOT_MAX,
                                                 CB_TUF_TARGETS_MAX};

struct cb_tuf {
    struct cb_tuf_options options;
    struct cb_arena arena;
    struct cb_tuf_document roles[CB_TUF_ROLES]; // accepted; json == NULL: none yet
};

void cb_tuf_free(struct cb_tuf *t)
{
    if (!t)
        return;
    for (int i = 0; i < CB_TUF_ROLES; i++)
        cb_tuf_document_release(&t->roles[i]);
    cb_arena_release(&t->arena);
    free(t);
}

void cb_tuf_free_p(struct cb_tuf **t)
{
    cb_tuf_free(*t);
}

bool cb_tuf_role_state(const struct cb_tuf *t, enum cb_tuf_role role, struct cb_tuf_role_state *out)
{
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    *out = (struct cb_tuf_role_state){.version = t->roles[role].version};
    return t->roles[role].json && cb_tuf_expires(&t->roles[role], &out->expires, &unlike) == 0;
}

// ---- the folder ----------------------------------------------------------------------------------------------------

// 1, or 0 where there is no such file.
static int load(struct cb_tuf *t, const char *name, size_t limit, struct cb_str *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_AUTOFREE char *path = cb_path_join(t->options.folder, name);
    if (cb_read_file(path, &text, limit, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    *out = cb_arena_str(&t->arena, cb_buf_str(&text));
    return 1;
}

static int save(struct cb_tuf *t, const char *name, struct cb_str bytes, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_path_join(t->options.folder, name);
    return cb_mkdirs(t->options.folder, err) || cb_write_file(path, bytes, 0644, err) ? -1 : 0;
}

static void forget(struct cb_tuf *t, enum cb_tuf_role role)
{
    CB_AUTOFREE char *name = cb_format("%s.json", role_names[role]);
    CB_AUTOFREE char *path = cb_path_join(t->options.folder, name);
    unlink(path); // where it stays it is refused, later
    cb_tuf_document_release(&t->roles[role]);
}

static int fetch(struct cb_tuf *t, const char *name, size_t limit, struct cb_str *out, struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};
    if (!t->options.fetch)
        return cb_fail(err, CB_E_NETWORK, "%s: offline", name);
    if (t->options.fetch(t->options.ctx, name, limit, &bytes, err))
        return cb_context(err, "%s", name);
    if (bytes.n > limit)
        return cb_fail(err, CB_E_LIMIT, "%s: %zu bytes; %zu are the most", name, bytes.n, limit);
    *out = cb_arena_str(&t->arena, cb_buf_str(&bytes));
    return 0;
}

// ---- checks --------------------------------------------------------------------------------------------------------

static int check_by_root(const struct cb_tuf_document *d, const struct cb_tuf_document *root, const char *role,
                         struct cb_error *err)
{
    struct json_t *keys, *roles, *entry;
    return cb_json_need_object(root->body, "keys", &keys, err) ||
                   cb_json_need_object(root->body, "roles", &roles, err) ||
                   cb_json_need_object(roles, role, &entry, err) || cb_tuf_check_signatures(d, keys, entry, err)
               ? -1
               : 0;
}

static int check_expiry(const struct cb_tuf *t, const struct cb_tuf_document *d, struct cb_error *err)
{
    int64_t expires;
    if (cb_tuf_expires(d, &expires, err))
        return -1;
    if (expires > t->options.now)
        return 0;
    struct cb_str text;
    if (cb_json_need_str(d->body, "expires", &text, err))
        return -1;
    cb_fail(err, CB_E_TRUST, "it has expired (%.*s)", CB_STR_ARG(text));
    return cb_hint(err,
                   "the repository, or what stands between, gives old documents; or this machine's clock is wrong");
}

// What one document says of the file of that name.
static int claim_of(const struct cb_tuf_document *d, const char *name, struct cb_tuf_claim *out, struct cb_error *err)
{
    struct json_t *meta, *entry;
    if (cb_json_need_object(d->body, "meta", &meta, err) || cb_json_need_object(meta, name, &entry, err) ||
        cb_tuf_claim_read(entry, out, err))
        return -1;
    return out->version ? 0 : cb_fail(err, CB_E_INPUT, "%s: no version", name);
}

static int check_not_older(uint64_t now, uint64_t before, struct cb_error *err)
{
    if (now >= before)
        return 0;
    return cb_fail(err, CB_E_TRUST, "version %llu, where version %llu was seen before", (unsigned long long)now,
                   (unsigned long long)before);
}

static int check_claim(const struct cb_tuf_document *d, const struct cb_tuf_claim *c, struct cb_error *err)
{
    if (d->version != c->version)
        return cb_fail(err, CB_E_TRUST, "version %llu, not %llu as was promised", (unsigned long long)d->version,
                       (unsigned long long)c->version);
    return cb_tuf_claim_check(c, d->bytes, err);
}

// A snapshot must name all that the one before it named, in no older version.
static int check_snapshot(const struct cb_tuf_document *before, const struct cb_tuf_document *d, struct cb_error *err)
{
    struct json_t *meta;
    if (!before->json)
        return 0;
    if (cb_json_need_object(before->body, "meta", &meta, err))
        return -1;
    for (void *at = cb_json_first(meta); at; at = cb_json_next(meta, at)) {
        const char *name = cb_json_key_at(at).p;
        struct cb_tuf_claim old, now;
        if (claim_of(before, name, &old, err) || claim_of(d, name, &now, err) ||
            check_not_older(now.version, old.version, err))
            return cb_context(err, "%s", name);
    }
    return 0;
}

// ---- accepting -----------------------------------------------------------------------------------------------------

static void accept(struct cb_tuf *t, enum cb_tuf_role role, struct cb_tuf_document *d)
{
    cb_tuf_document_release(&t->roles[role]);
    t->roles[role] = *d;
    *d = (struct cb_tuf_document){0};
}

// By the root's keys; and where the one before says what it is, just that.
static int check_role(struct cb_tuf *t, enum cb_tuf_role role, const struct cb_tuf_document *d, struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_format("%s.json", role_names[role]);
    struct cb_tuf_claim claim;
    if (check_by_root(d, &t->roles[CB_TUF_ROOT], role_names[role], err))
        return -1;
    if (role <= CB_TUF_TIMESTAMP)
        return 0;
    return claim_of(&t->roles[role - 1], name, &claim, err) || check_claim(d, &claim, err) ? -1 : 0;
}

static int check_newer(struct cb_tuf *t, enum cb_tuf_role role, const struct cb_tuf_document *d, struct cb_error *err)
{
    const struct cb_tuf_document *before = &t->roles[role];
    struct cb_tuf_claim old, now;
    if (before->json && check_not_older(d->version, before->version, err))
        return -1;
    if (role == CB_TUF_SNAPSHOT)
        return check_snapshot(before, d, err);
    if (role != CB_TUF_TIMESTAMP || !before->json)
        return 0;
    return claim_of(before, "snapshot.json", &old, err) || claim_of(d, "snapshot.json", &now, err) ||
                   check_not_older(now.version, old.version, err)
               ? cb_context(err, "snapshot.json")
               : 0;
}

// ---- opening -------------------------------------------------------------------------------------------------------

// What was accepted once is accepted again though it may have expired; that is told by cb_tuf_refresh. A snapshot stays
// accepted also where the timestamp has moved on and no snapshot for it was accepted: nothing older may follow it.
static int reopen(struct cb_tuf *t, enum cb_tuf_role role, struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_format("%s.json", role_names[role]);
    CB_TUF_DOCUMENT_AUTO d = {0};
    struct cb_str bytes;
    int there = load(t, name, role_limits[role], &bytes, err);
    if (there <= 0)
        return there;
    if (cb_tuf_document_parse(&d, bytes, role_names[role], name, err))
        return -1;
    if (role == CB_TUF_SNAPSHOT ? check_by_root(&d, &t->roles[CB_TUF_ROOT], "snapshot", err)
                                : check_role(t, role, &d, err))
        return -1;
    accept(t, role, &d);
    return 1;
}

static int open_root(struct cb_tuf *t, struct cb_error *err)
{
    CB_TUF_DOCUMENT_AUTO d = {0};
    struct cb_str bytes = t->options.initial_root;
    int there = load(t, "root.json", CB_TUF_ROOT_MAX, &bytes, err);
    if (there < 0)
        return -1;
    if (!bytes.n)
        return cb_fail(err, CB_E_NOT_FOUND, "no root to begin with");
    if (cb_tuf_document_parse(&d, bytes, "root", there ? "root.json" : "the first root", err) ||
        check_by_root(&d, &d, "root", err))
        return cb_context(err, "root");
    accept(t, CB_TUF_ROOT, &d);
    return 0;
}

static int open_all(struct cb_tuf *t, struct cb_error *err)
{
    if (open_root(t, err))
        return -1;
    for (enum cb_tuf_role role = CB_TUF_TIMESTAMP; role < CB_TUF_ROLES; role++) {
        CB_ERROR_AUTO stale = CB_ERROR_INIT;
        int there = reopen(t, role, &stale);
        // An update that was interrupted leaves documents that do not belong together: the later ones count as absent.
        if (there < 0 && stale.kind != CB_E_TRUST) {
            cb_error_move(err, &stale);
            return cb_context(err, "%s", t->options.folder);
        }
        if (there <= 0)
            break;
    }
    return 0;
}

struct cb_tuf *cb_tuf_open(const struct cb_tuf_options *o, struct cb_error *err)
{
    struct cb_tuf *t = cb_zalloc(sizeof *t);
    t->options = *o;
    if (open_all(t, err) == 0)
        return t;
    cb_tuf_free(t);
    return NULL;
}

// ---- updating ------------------------------------------------------------------------------------------------------

static bool same_role(const struct cb_tuf_document *a, const struct cb_tuf_document *b, const char *role)
{
    CB_BUF_AUTO x = {0};
    CB_BUF_AUTO y = {0};
    const json_t *roles[] = {json_object_get(json_object_get(a->body, "roles"), role),
                             json_object_get(json_object_get(b->body, "roles"), role)};
    if (!roles[0] || !roles[1])
        return false;
    cb_tuf_canonical(roles[0], &x);
    cb_tuf_canonical(roles[1], &y);
    return cb_str_eq(cb_buf_str(&x), cb_buf_str(&y));
}

// Signed by its own keys and by those of the root before it. Where the keys of timestamp or snapshot are others now,
// what the old ones have signed is forgotten: whoever had them may have raised the versions beyond reach.
static int next_root(struct cb_tuf *t, struct cb_str bytes, const char *name, struct cb_error *err)
{
    CB_TUF_DOCUMENT_AUTO d = {0};
    const struct cb_tuf_document *before = &t->roles[CB_TUF_ROOT];
    if (cb_tuf_document_parse(&d, bytes, "root", name, err))
        return -1;
    if (check_by_root(&d, before, "root", err) || check_by_root(&d, &d, "root", err))
        return cb_context(err, "%s", name);
    if (d.version != before->version + 1)
        return cb_fail(err, CB_E_TRUST, "%s: version %llu after version %llu", name, (unsigned long long)d.version,
                       (unsigned long long)before->version);
    if (!same_role(before, &d, "timestamp") || !same_role(before, &d, "snapshot")) {
        forget(t, CB_TUF_TIMESTAMP);
        forget(t, CB_TUF_SNAPSHOT);
    }
    if (save(t, "root.json", bytes, err))
        return -1;
    accept(t, CB_TUF_ROOT, &d);
    return 0;
}

static int update_root(struct cb_tuf *t, struct cb_error *err)
{
    for (unsigned n = 0;; n++) {
        struct cb_str bytes;
        CB_AUTOFREE char *name = cb_format("%llu.root.json", (unsigned long long)t->roles[CB_TUF_ROOT].version + 1);
        if (fetch(t, name, CB_TUF_ROOT_MAX, &bytes, err)) {
            if (err->kind != CB_E_NOT_FOUND)
                return -1;
            cb_error_clear(err);
            break;
        }
        if (n == CB_TUF_ROOTS_MAX)
            return cb_fail(err, CB_E_LIMIT, "more than %u new roots", CB_TUF_ROOTS_MAX);
        if (next_root(t, bytes, name, err))
            return -1;
    }
    return check_expiry(t, &t->roles[CB_TUF_ROOT], err) ? cb_context(err, "root.json") : 0;
}

static bool is_consistent(const struct cb_tuf *t)
{
    return json_is_true(json_object_get(t->roles[CB_TUF_ROOT].body, "consistent_snapshot"));
}

// Whether what is there already is what the document before it promises.
static bool is_current(struct cb_tuf *t, enum cb_tuf_role role, const char *name)
{
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    struct cb_tuf_claim claim;
    const struct cb_tuf_document *d = &t->roles[role];
    return role > CB_TUF_TIMESTAMP && d->json && claim_of(&t->roles[role - 1], name, &claim, &unlike) == 0 &&
           check_claim(d, &claim, &unlike) == 0;
}

static int fetch_role(struct cb_tuf *t, enum cb_tuf_role role, const char *name, struct cb_str *out,
                      struct cb_error *err)
{
    struct cb_tuf_claim claim = {0};
    size_t limit = role_limits[role];
    if (role > CB_TUF_TIMESTAMP && claim_of(&t->roles[role - 1], name, &claim, err))
        return -1;
    if (claim.length && claim.length < limit)
        limit = (size_t)claim.length;
    if (role == CB_TUF_TIMESTAMP || !is_consistent(t))
        return fetch(t, name, limit, out, err);
    CB_AUTOFREE char *versioned = cb_format("%llu.%s", (unsigned long long)claim.version, name);
    return fetch(t, versioned, limit, out, err);
}

static int update_role(struct cb_tuf *t, enum cb_tuf_role role, struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_format("%s.json", role_names[role]);
    CB_TUF_DOCUMENT_AUTO d = {0};
    struct cb_str bytes;
    if (is_current(t, role, name))
        return check_expiry(t, &t->roles[role], err) ? cb_context(err, "%s", name) : 0;
    if (fetch_role(t, role, name, &bytes, err))
        return -1;
    if (cb_tuf_document_parse(&d, bytes, role_names[role], name, err))
        return -1;
    if (check_role(t, role, &d, err) || check_newer(t, role, &d, err) || check_expiry(t, &d, err))
        return cb_context(err, "%s", name);
    if (save(t, name, bytes, err))
        return -1;
    accept(t, role, &d);
    return 0;
}

int cb_tuf_refresh(struct cb_tuf *t, struct cb_error *err)
{
    return update_root(t, err) || update_role(t, CB_TUF_TIMESTAMP, err) || update_role(t, CB_TUF_SNAPSHOT, err) ||
                   update_role(t, CB_TUF_TARGETS, err)
               ? -1
               : 0;
}

// ---- targets -------------------------------------------------------------------------------------------------------

// A name becomes part of a path in the folder and in the repository.
static int check_name(struct cb_str name, bool folders, struct cb_error *err)
{
    struct cb_str rest = name, part;
    if (name.n == 0 || name.n > 200)
        return cb_fail(err, CB_E_INPUT, "a name of %zu bytes", name.n);
    while (cb_str_cut(&rest, '/', &part))
        if (!part.n || part.p[0] == '.' || memchr(part.p, '\\', part.n) || (!folders && rest.p))
            return cb_fail(err, CB_E_INPUT, "\"%.*s\" is no name", CB_STR_ARG(name));
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] == 127 || strchr("%?#", name.p[i]))
            return cb_fail(err, CB_E_INPUT, "\"%.*s\" is no name", CB_STR_ARG(name));
    return 0;
}

static bool path_matches(const struct json_t *role, const char *target)
{
    const json_t *paths = json_object_get(role, "paths"), *prefixes = json_object_get(role, "path_hash_prefixes");
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    cb_hash_once(CB_SHA256, target, strlen(target), sum);
    cb_hex(hex, sum, sizeof sum);
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *pattern = json_string_value(json_array_get(paths, i));
        if (pattern && fnmatch(pattern, target, FNM_PATHNAME | FNM_NOESCAPE) == 0)
            return true;
    }
    for (size_t i = 0; i < json_array_size(prefixes); i++) {
        const char *prefix = json_string_value(json_array_get(prefixes, i));
        if (prefix && *prefix && cb_str_starts(cb_str(hex), prefix))
            return true;
    }
    return false;
}

struct hunt {
    const char *target;
    struct cb_tuf_claim found;
    bool done;                                            // found, or a terminating role did not have it
    struct cb_strs visited;                               // names of roles
    struct cb_tuf_document *kept[CB_TUF_DELEGATIONS_MAX]; // what `found` lives in
    size_t nkept;
};

static int look_in(struct cb_tuf *t, struct hunt *h, const struct cb_tuf_document *d, struct cb_error *err);

// The document of a delegated role, signed as the delegating one says.
static int open_delegated(struct cb_tuf *t, struct cb_str role, const struct json_t *keys, const struct json_t *entry,
                          struct cb_tuf_document *out, struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_format("%.*s.json", CB_STR_ARG(role));
    struct cb_tuf_claim claim;
    struct cb_str bytes;
    if (claim_of(&t->roles[CB_TUF_SNAPSHOT], name, &claim, err))
        return -1;
    CB_AUTOFREE char *versioned = cb_format("%llu.%s", (unsigned long long)claim.version, name);
    CB_AUTOFREE char *kept = cb_format("role-%s", name);
    int there = load(t, kept, CB_TUF_TARGETS_MAX, &bytes, err);
    if (there < 0)
        return -1;
    if (there && cb_tuf_document_parse(out, bytes, "targets", name, err) == 0 && check_claim(out, &claim, err) == 0)
        return cb_tuf_check_signatures(out, keys, entry, err);
    cb_error_clear(err);
    cb_tuf_document_release(out);
    if (fetch(t, is_consistent(t) ? versioned : name, CB_TUF_TARGETS_MAX, &bytes, err) ||
        cb_tuf_document_parse(out, bytes, "targets", name, err))
        return -1;
    if (cb_tuf_check_signatures(out, keys, entry, err) || check_claim(out, &claim, err) || check_expiry(t, out, err))
        return -1;
    return save(t, kept, bytes, err);
}

static int descend(struct cb_tuf *t, struct hunt *h, const struct json_t *keys, const struct json_t *entry,
                   struct cb_error *err)
{
    struct cb_str role;
    if (cb_json_need_str(entry, "name", &role, err) || check_name(role, false, err))
        return -1;
    if (cb_strs_has(&h->visited, role))
        return 0;
    if (h->nkept == CB_TUF_DELEGATIONS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u delegations for one target", CB_TUF_DELEGATIONS_MAX);
    cb_strs_add(&h->visited, role);
    struct cb_tuf_document *d = cb_zalloc(sizeof *d);
    h->kept[h->nkept++] = d;
    if (open_delegated(t, role, keys, entry, d, err) || look_in(t, h, d, err))
        return cb_context(err, "role %.*s", CB_STR_ARG(role));
    h->done |= json_is_true(json_object_get(entry, "terminating"));
    return 0;
}

static int look_in(struct cb_tuf *t, struct hunt *h, const struct cb_tuf_document *d, struct cb_error *err)
{
    struct json_t *targets, *entry, *delegations, *keys, *roles;
    if (cb_json_need_object(d->body, "targets", &targets, err) || cb_json_get_object(targets, h->target, &entry, err) ||
        cb_json_get_object(d->body, "delegations", &delegations, err))
        return -1;
    if (entry) {
        h->done = true;
        return cb_tuf_claim_read(entry, &h->found, err);
    }
    if (!delegations)
        return 0;
    if (cb_json_need_object(delegations, "keys", &keys, err) || cb_json_need_array(delegations, "roles", &roles, err))
        return -1;
    for (size_t i = 0; i < cb_json_count(roles) && !h->done; i++)
        if (json_is_object(cb_json_at(roles, i)) && path_matches(cb_json_at(roles, i), h->target) &&
            descend(t, h, keys, cb_json_at(roles, i), err))
            return -1;
    return 0;
}

static char *target_path(const struct cb_tuf *t, const char *name, const struct cb_tuf_claim *c)
{
    struct cb_str hash = c->sha256.n ? c->sha256 : c->sha512;
    const char *slash = strrchr(name, '/');
    if (!is_consistent(t))
        return cb_format("targets/%s", name);
    int folder = slash ? (int)(slash - name) + 1 : 0;
    return cb_format("targets/%.*s%.*s.%s", folder, name, CB_STR_ARG(hash), name + folder);
}

// Kept under its hash, which is also what it must have.
static int get_target(struct cb_tuf *t, const char *name, const struct cb_tuf_claim *c, struct cb_buf *out,
                      struct cb_error *err)
{
    struct cb_str bytes;
    CB_ERROR_AUTO other = CB_ERROR_INIT;
    uint8_t sum[CB_HASH_MAX];
    struct cb_str hash = c->sha256.n ? c->sha256 : c->sha512;
    if (!c->length || c->length > CB_TUF_TARGET_MAX || !hash.n || !cb_unhex(sum, hash.n / 2, hash))
        return cb_fail(err, CB_E_LIMIT, "%llu bytes with the hash \"%.*s\"", (unsigned long long)c->length,
                       CB_STR_ARG(hash));
    CB_AUTOFREE char *kept = cb_format("target-%.*s", CB_STR_ARG(hash));
    int there = load(t, kept, CB_TUF_TARGET_MAX, &bytes, err);
    if (there < 0)
        return -1;
    if (!there || cb_tuf_claim_check(c, bytes, &other)) {
        CB_AUTOFREE char *path = target_path(t, name, c);
        if (fetch(t, path, (size_t)c->length, &bytes, err) || cb_tuf_claim_check(c, bytes, err) ||
            save(t, kept, bytes, err))
            return -1;
    }
    cb_buf_addstr(out, bytes);
    return 0;
}

int cb_tuf_target(struct cb_tuf *t, const char *name, struct cb_buf *out, struct cb_error *err)
{
    struct hunt h = {.target = name};
    int failed = 0;
    if (check_name(cb_str(name), true, err))
        return -1;
    if (!t->roles[CB_TUF_TARGETS].json) {
        cb_fail(err, CB_E_NOT_FOUND, "no targets are known yet");
        return cb_hint(err, "`cbuild trust update` fetches them");
    }
    failed = look_in(t, &h, &t->roles[CB_TUF_TARGETS], err);
    if (!failed && !h.found.length)
        failed = cb_fail(err, CB_E_NOT_FOUND, "there is no such target");
    if (!failed)
        failed = get_target(t, name, &h.found, out, err);
    for (size_t i = 0; i < h.nkept; i++) {
        cb_tuf_document_release(h.kept[i]);
        free(h.kept[i]);
    }
    cb_strs_release(&h.visited);
    return failed ? cb_context(err, "target %s", name) : 0;
}
