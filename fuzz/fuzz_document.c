// YAML and JSON documents into a tree, and each scalar through the table of types.
#include "cbuild/text/document.h"

static void resolve_all(const struct cb_doc_node *node)
{
    if (node->kind == CB_DOC_SCALAR)
        cb_scalar_resolve(node->text);
    for (size_t i = 0; i < node->n && i < 1000; i++)
        resolve_all(node->v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    if (cb_doc_parse(&doc, "fuzz", cb_strn(data, size), &err) == 0 && doc.root)
        resolve_all(doc.root);
    return 0;
}
