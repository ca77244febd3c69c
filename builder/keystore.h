// Java keystores (JKS): read, given trusted certificates, written again.
//
// A store is a magic number, a version, a count, entries (a tag, an alias, a time in milliseconds, then an encrypted
// key with its chain or one certificate) and a SHA-1 over the password in UTF-16, a fixed phrase and all before it.
// Written stores are version 2 and sorted by alias; keys stay encrypted as they are.
// Source: the format as OpenJDK's JavaKeyStore defines it; order and aliases as keystore-go v4, which the reference
// uses.
#ifndef CB_BUILDER_KEYSTORE_H
#define CB_BUILDER_KEYSTORE_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"
#include "cbuild/base/map.h"

struct cb_keystore {
    struct cb_arena arena;
    struct cb_map entries; // from alias to struct cb_keystore_entry
};

// The store in `bytes` (borrowed: entries are slices of it), which *k must be empty for. CB_E_INPUT: it is malformed,
// or its digest is not that of the password.
int cb_keystore_read(struct cb_keystore *k, struct cb_str bytes, const char *password, struct cb_error *err);

// Sets a trusted certificate; the alias (ASCII) is put in lower case. der is borrowed.
void cb_keystore_trust(struct cb_keystore *k, struct cb_str alias, struct cb_str der, int64_t created_ms);

// Appends the store. CB_E_LIMIT: an alias is longer than 65535 bytes.
int cb_keystore_write(struct cb_keystore *k, const char *password, struct cb_buf *out, struct cb_error *err);
void cb_keystore_release(struct cb_keystore *k);

#define CB_KEYSTORE_AUTO __attribute__((cleanup(cb_keystore_release))) struct cb_keystore

#endif
