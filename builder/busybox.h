// What is known about busybox by version. See steps.h for the step itself.
#ifndef CB_BUILDER_BUSYBOX_H
#define CB_BUILDER_BUSYBOX_H

#include "cbuild/base/buf.h"

// The links of a version ("1.36.0"), one a line, appended; the newest known ones for a version that is not known.
void cb_busybox_known_links(struct cb_str version, struct cb_buf *out);

// Whether text is a version of three numbers, perhaps with a v before and "-word" behind it; *numbers is the former.
bool cb_busybox_version(struct cb_str text, struct cb_str *numbers);

#endif
