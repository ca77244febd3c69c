#include "cbuild/trust/trusted_root.h"

#include <time.h>

#include "cbuild/crypto/key.h"
#include "cbuild/text/json_read.h"
#include "decode.h"

static bool number(struct cb_str s, size_t at, size_t n, int *out)
{
    uint64_t v;
    if (s.n < at + n || !cb_str_u64(cb_str_head(cb_str_skip(s, at), n), 10, &v))
        return false;
    *out = (int)v;
    return true;
}

bool cb_timestamp_parse(struct cb_str s, int64_t *out)
{
    struct tm tm = {0}, back;
    if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' ||
        s.p[s.n - 1] != 'Z')
        return false;
    if (!number(s, 0, 4, &tm.tm_year) || !number(s, 5, 2, &tm.tm_mon) || !number(s, 8, 2, &tm.tm_mday) ||
        !number(s, 11, 2, &tm.tm_hour) || !number(s, 14, 2, &tm.tm_min) || !number(s, 17, 2, &tm.tm_sec))
        return false;
    int fraction;
    if (s.n > 20 && (s.p[19] != '.' || s.n > 30 || !number(s, 20, s.n - 21, &fraction)))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    back = tm;
    time_t t = timegm(&back);
    if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon || back.tm_hour != tm.tm_hour ||
        back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
        return false; // no such day or time
    *out = (int64_t)t;
    return true;
}

static int read_end(const struct json_t *valid, const char *key, int64_t absent, int64_t *out, struct cb_error *err)
{
    struct cb_str text;
    if (cb_json_get_str(valid, key, &text, err))
        return -1;
    *out = absent;
    if (text.p && !cb_timestamp_parse(text, out))
        return cb_fail(err, CB_E_INPUT, "validFor.%s: \"%.*s\" is not a time", key, CB_STR_ARG(text));
    return 0;
}

static int read_window(const struct json_t *obj, struct cb_window *out, struct cb_error *err)
{
    struct json_t *valid;
    if (cb_json_get_object(obj, "validFor", &valid, err))
        return -1;
    return read_end(valid, "start", INT64_MAX, &out->start, err) || read_end(valid, "end", INT64_MAX, &out->end, err)
               ? -1
               : 0;
}

static int read_log(struct cb_arena *a, const struct json_t *obj, struct cb_log *out, struct cb_error *err)
{
    CB_ERROR_AUTO unsupported = CB_ERROR_INIT;
    struct json_t *key, *id;
    struct cb_str der, url;
    if (cb_json_get_str(obj, "baseUrl", &url, err) || cb_json_need_object(obj, "publicKey", &key, err) ||
        cb_need_base64(a, key, "rawBytes", CB_KEY_TEXT_MAX, &der, err) || read_window(key, &out->window, err) ||
        cb_json_need_object(obj, "logId", &id, err) || cb_need_base64(a, id, "keyId", 64, &out->key_id, err))
        return -1;
    out->base_url = cb_arena_str(a, url);
    if (out->key_id.n < 4)
        return cb_fail(err, CB_E_INPUT, "logId.keyId: %zu bytes", out->key_id.n);
    out->key = cb_verifier_from_spki(der, &unsupported);
    return 0;
}

static int read_authority(struct cb_arena *a, const struct json_t *obj, struct cb_authority *out, struct cb_error *err)
{
    struct json_t *chain, *list;
    struct cb_str uri;
    if (cb_json_get_str(obj, "uri", &uri, err) || cb_json_need_object(obj, "certChain", &chain, err) ||
        cb_json_need_array(chain, "certificates", &list, err) || read_window(obj, &out->window, err))
        return -1;
    size_t n = cb_json_count(list);
    if (n == 0 || n > CB_TRUSTED_CHAIN_MAX)
        return cb_fail(err, n ? CB_E_LIMIT : CB_E_INPUT, "a chain of %zu certificates", n);
    out->uri = cb_arena_str(a, uri);
    out->certificates = cb_arena_alloc(a, n * sizeof *out->certificates);
    for (size_t i = 0; i < n; i++, out->ncertificates++) {
        struct json_t *item;
        if (cb_json_as_object(cb_json_at(list, i), "certificates", &item, err) ||
            cb_need_base64(a, item, "rawBytes", CB_KEY_TEXT_MAX, &out->certificates[i], err))
            return -1;
    }
    return 0;
}

static int open_list(const struct json_t *root, const char *key, struct json_t **list, struct cb_error *err)
{
    if (cb_json_get_array(root, key, list, err))
        return -1;
    size_t n = cb_json_count(*list);
    return n > CB_TRUSTED_PARTIES_MAX ? cb_fail(err, CB_E_LIMIT, "%s: %zu entries", key, n) : 0;
}

static int read_logs(struct cb_arena *a, const struct json_t *root, const char *key, struct cb_log **out, size_t *n,
                     struct cb_error *err)
{
    struct json_t *list, *item;
    if (open_list(root, key, &list, err))
        return -1;
    *out = cb_arena_alloc(a, (cb_json_count(list) + 1) * sizeof **out);
    for (size_t i = 0; i < cb_json_count(list); i++) {
        ++*n;
        if (cb_json_as_object(cb_json_at(list, i), key, &item, err) || read_log(a, item, &(*out)[i], err))
            return cb_context(err, "%s[%zu]", key, i);
    }
    return 0;
}

static int read_authorities(struct cb_arena *a, const struct json_t *root, const char *key, struct cb_authority **out,
                            size_t *n, struct cb_error *err)
{
    struct json_t *list, *item;
    if (open_list(root, key, &list, err))
        return -1;
    *out = cb_arena_alloc(a, (cb_json_count(list) + 1) * sizeof **out);
    for (size_t i = 0; i < cb_json_count(list); i++) {
        ++*n;
        if (cb_json_as_object(cb_json_at(list, i), key, &item, err) || read_authority(a, item, &(*out)[i], err))
            return cb_context(err, "%s[%zu]", key, i);
    }
    return 0;
}

static int read_root(struct cb_trusted_root *r, const struct json_t *json, struct cb_error *err)
{
    struct json_t *root;
    struct cb_str type;
    struct cb_arena *a = &r->arena;
    if (cb_json_as_object(json, "trusted root", &root, err) || cb_json_need_str(root, "mediaType", &type, err))
        return -1;
    if (!cb_str_starts(type, "application/vnd.dev.sigstore.trustedroot"))
        return cb_fail(err, CB_E_INPUT, "mediaType: \"%.*s\" is not that of a trusted root", CB_STR_ARG(type));
    return read_logs(a, root, "tlogs", &r->logs, &r->nlogs, err) ||
                   read_logs(a, root, "ctlogs", &r->ct_logs, &r->nct_logs, err) ||
                   read_authorities(a, root, "certificateAuthorities", &r->certificate_authorities,
                                    &r->ncertificate_authorities, err) ||
                   read_authorities(a, root, "timestampAuthorities", &r->timestamp_authorities,
                                    &r->ntimestamp_authorities, err)
               ? -1
               : 0;
}

int cb_trusted_root_parse(struct cb_trusted_root *out, struct cb_str text, const char *what, struct cb_error *err)
{
    CB_JSON_AUTO *json = cb_json_read(text, what, CB_TRUSTED_ROOT_MAX, err);
    if (!json)
        return -1;
    return read_root(out, json, err) ? cb_context(err, "%s", what) : 0;
}

int cb_trusted_root_use_chain(struct cb_trusted_root *root, struct cb_str text, const char *what, struct cb_error *err)
{
    struct cb_arena *a = &root->arena;
    struct cb_authority *authority = cb_arena_alloc(a, sizeof *authority);
    struct cb_str label;
    *authority = (struct cb_authority){.uri = cb_arena_str(a, cb_str(what)), .window = {INT64_MIN, INT64_MAX}};
    authority->certificates = cb_arena_alloc(a, CB_TRUSTED_CHAIN_MAX * sizeof *authority->certificates);
    for (;;) {
        CB_BUF_AUTO der = {0};
        if (cb_pem_next(&text, &label, &der) != 1)
            break;
        if (!cb_str_is(label, "CERTIFICATE"))
            return cb_fail(err, CB_E_INPUT, "%s: a %.*s among the certificates", what, CB_STR_ARG(label));
        if (authority->ncertificates == CB_TRUSTED_CHAIN_MAX)
            return cb_fail(err, CB_E_LIMIT, "%s: more than %u certificates", what, CB_TRUSTED_CHAIN_MAX);
        authority->certificates[authority->ncertificates++] = cb_arena_str(a, cb_buf_str(&der));
    }
    if (!authority->ncertificates)
        return cb_fail(err, CB_E_INPUT, "%s: no certificate (PEM)", what);
    root->certificate_authorities = authority;
    root->ncertificate_authorities = 1;
    return 0;
}

void cb_trusted_root_release(struct cb_trusted_root *root)
{
    for (size_t i = 0; i < root->nlogs; i++)
        cb_verifier_free(root->logs[i].key);
    for (size_t i = 0; i < root->nct_logs; i++)
        cb_verifier_free(root->ct_logs[i].key);
    cb_arena_release(&root->arena);
    *root = (struct cb_trusted_root){0};
}
