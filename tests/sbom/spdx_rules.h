// The rules of SPDX 2.3 that validators of its JSON documents apply.
#ifndef SPDX_RULES_H
#define SPDX_RULES_H

#include <jansson.h>

// The name of the first rule that the document breaks; NULL: it keeps all of them.
const char *spdx_broken_rule(const json_t *document);

#endif
