// UTF-8 as Go's unicode/utf8 reads and writes it.
#ifndef CB_TEXT_UTF8_H
#define CB_TEXT_UTF8_H

#include "cbuild/base/buf.h"

#define CB_RUNE_ERROR 0xFFFDu

// The first code point of s (s.n > 0) and, in *width, how many bytes it takes. Overlong forms, surrogates, code points
// past U+10FFFF and truncated sequences give CB_RUNE_ERROR with width 1; a real U+FFFD has width 3.
uint32_t cb_utf8_decode(struct cb_str s, size_t *width);

// Whether all of s is valid.
bool cb_utf8_valid(struct cb_str s);

// Appends a code point; surrogates and values past U+10FFFF are written as U+FFFD.
void cb_utf8_add(struct cb_buf *b, uint32_t rune);

#endif
