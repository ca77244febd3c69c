// A configuration's text to its stored and its shown form. A clone must give the same bytes.
#include <stdlib.h>

#include "../builder/config_decode.h"

static struct cb_image_config *decode(struct cb_str text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    struct cb_image_config *c = cb_config_new();
    if (cb_doc_parse(&doc, "fuzz", text, &err) == 0 && cb_config_decode(&doc, c, &err) == 0)
        return c;
    cb_config_free(c);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO json = {0};
    CB_BUF_AUTO yaml = {0};
    CB_BUF_AUTO merged_json = {0};
    CB_CONFIG_AUTO *c = decode(cb_strn(data, size));
    if (!c)
        return 0;
    cb_config_write_json(c, &json);
    cb_config_write_yaml(c, &yaml, &err);
    CB_CONFIG_AUTO *clone = cb_config_clone(c);
    cb_config_write_json(clone, &merged_json);
    if (!cb_str_eq(cb_buf_str(&json), cb_buf_str(&merged_json)))
        abort();
    cb_error_clear(&err);
    cb_config_validate(clone, &err);
    cb_config_merge(clone, c);
    return 0;
}
