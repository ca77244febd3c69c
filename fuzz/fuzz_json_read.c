#include "cbuild/text/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(cb_strn(data, size), "fuzz", 1u << 20, &err);
    struct cb_str s;
    struct cb_strs l = {0};
    struct json_t *object;
    cb_error_clear(&err);
    if (root && cb_json_as_object(root, "fuzz", &object, &err) == 0)
        for (void *at = cb_json_first(object); at; at = cb_json_next(object, at)) {
            cb_error_clear(&err);
            cb_json_get_str(object, cb_json_key_at(at).p, &s, &err);
            cb_error_clear(&err);
            cb_json_get_strs(object, cb_json_key_at(at).p, &l, &err);
        }
    cb_strs_release(&l);
    return 0;
}
