#include "decode.h"

#include "cbuild/crypto/hash.h"
#include "cbuild/text/json_read.h"

int cb_decode_base64(struct cb_arena *a, struct cb_str text, const char *name, size_t limit, struct cb_str *out,
                     struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};
    if (text.n / 4 > limit / 3 + 1)
        return cb_fail(err, CB_E_LIMIT, "%s: longer than %zu bytes", name, limit);
    if (cb_base64_decode(&bytes, text))
        return cb_fail(err, CB_E_INPUT, "%s: not base64 (RFC 4648, padded, without white space)", name);
    *out = cb_arena_str(a, cb_buf_str(&bytes));
    return 0;
}

int cb_get_base64(struct cb_arena *a, const struct json_t *obj, const char *key, size_t limit, struct cb_str *out,
                  struct cb_error *err)
{
    struct cb_str text;
    *out = (struct cb_str){0};
    if (cb_json_get_str(obj, key, &text, err))
        return -1;
    return text.p ? cb_decode_base64(a, text, key, limit, out, err) : 0;
}

int cb_need_base64(struct cb_arena *a, const struct json_t *obj, const char *key, size_t limit, struct cb_str *out,
                   struct cb_error *err)
{
    struct cb_str text;
    *out = (struct cb_str){0};
    if (cb_json_need_str(obj, key, &text, err) || cb_decode_base64(a, text, key, limit, out, err))
        return -1;
    return out->n ? 0 : cb_fail(err, CB_E_INPUT, "%s: empty", key);
}

int cb_need_u64(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err)
{
    if (!cb_json_has(obj, key))
        return cb_fail(err, CB_E_INPUT, "%s: missing", key);
    return cb_get_u64(obj, key, out, err);
}

int cb_get_u64(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err)
{
    struct cb_str text;
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    *out = 0;
    if (cb_json_get_str(obj, key, &text, &unlike))
        return cb_json_get_size(obj, key, out, err);
    if (!text.p || (cb_str_u64(text, 10, out) && *out <= INT64_MAX))
        return 0;
    return cb_fail(err, CB_E_INPUT, "%s: \"%.*s\" is not a number", key, CB_STR_ARG(cb_str_head(text, 40)));
}
