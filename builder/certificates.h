// One certificate out of a text. See steps.h for the steps themselves.
#ifndef CB_BUILDER_CERTIFICATES_H
#define CB_BUILDER_CERTIFICATES_H

#include "cbuild/base/buf.h"
#include "cbuild/crypto/hash.h"

#define CB_CERTIFICATE_FILE_MAX (16u << 20)  // bytes of a package's certificate file
#define CB_CERTIFICATE_STORE_MAX (64u << 20) // bytes of a Java truststore

struct cb_certificate {
    struct cb_buf pem; // written again: text around the block is dropped
    struct cb_buf der;
    char fingerprint[CB_SHA256_HEX]; // SHA-256 of der
};
void cb_certificate_release(struct cb_certificate *c);

// The text must hold one PEM block, a certificate. CB_E_INPUT.
int cb_certificate_read(struct cb_str text, struct cb_certificate *c, struct cb_error *err);

#endif
