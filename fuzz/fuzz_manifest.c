// Manifests, indexes and image configs: what is read and written is read again, and then written the same.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/oci/image_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void manifest(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO first = {0};
    CB_BUF_AUTO second = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_manifest m;

    if (cb_manifest_parse(&a, text, CB_STR(""), &m, &err) < 0)
        return;
    cb_manifest_write(&first, &m);
    if (cb_manifest_parse(&a, cb_buf_str(&first), CB_STR(""), &m, &err) < 0)
        return; // such as an optional digest that was absent
    cb_manifest_write(&second, &m);
    assert(cb_str_eq(cb_buf_str(&first), cb_buf_str(&second)));
}

static void index_manifest(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO first = {0};
    CB_BUF_AUTO second = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_index_manifest m;

    if (cb_index_manifest_parse(&a, text, CB_STR(""), &m, &err) < 0)
        return;
    cb_index_manifest_write(&first, &m);
    if (cb_index_manifest_parse(&a, cb_buf_str(&first), CB_STR(""), &m, &err) < 0)
        return;
    cb_index_manifest_write(&second, &m);
    assert(cb_str_eq(cb_buf_str(&first), cb_buf_str(&second)));
}

static void config(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO first = {0};
    CB_BUF_AUTO second = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_image_file f;

    if (cb_image_file_parse(&a, text, &f, &err) < 0 || cb_image_file_write(&first, &f, &err) < 0)
        return;
    assert(cb_image_file_parse(&a, cb_buf_str(&first), &f, &err) == 0);
    assert(cb_image_file_write(&second, &f, &err) == 0);
    assert(cb_str_eq(cb_buf_str(&first), cb_buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_str text = cb_strn(data, size);

    manifest(text);
    index_manifest(text);
    config(text);
    return 0;
}
