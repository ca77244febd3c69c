// From a document to a configuration: one function for every kind of field, driven by a table for every record.
#ifndef CB_CONFIG_DECODE_H
#define CB_CONFIG_DECODE_H

#include "cbuild/builder/config.h"
#include "cbuild/text/document.h"

// Decodes the document's first mapping into *c. CB_E_CONFIG with the place of what is wrong; CB_E_LIMIT for aliases
// that unfold into too much.
int cb_config_decode(const struct cb_doc *doc, struct cb_image_config *c, struct cb_error *err);

// What a text may not hold where it becomes part of a line of a file in the image; the checks of config_check.c.
enum cb_text_rule {
    CB_ANY_TEXT,     // everything but NUL
    CB_ONE_LINE,     // no line breaks: lines of etc/apk/repositories, etc/apk/world
    CB_ACCOUNT_TEXT, // a field of etc/passwd or etc/group: no line breaks, no ":"
    CB_INNER_PATH,   // a path within the image: no ".." component
    CB_FOLDER_NAME,  // a folder within a folder of the image: no line breaks, no ".." component
    CB_ARCH_TEXT,    // part of a URL and of file names
    CB_INCLUDE_PATH, // does not climb out of the folder that it is looked for in
};

// NULL where text keeps to the rule, else what is wrong with it: "must not hold a line break".
const char *cb_text_rule_broken(enum cb_text_rule rule, struct cb_str text);

#endif
