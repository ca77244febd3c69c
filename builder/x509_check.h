// Whether bytes are a certificate as Go's crypto/x509 parses it. That verdict decides which certificates of a package
// get into the image's bundles; OpenSSL's differs (it takes negative serial numbers and odd strings, for example).
#ifndef CB_BUILDER_X509_CHECK_H
#define CB_BUILDER_X509_CHECK_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

// 0, or -1 with CB_E_INPUT. Structure only: neither signature nor dates are looked at.
// Source: RFC 5280; Go 1.26 crypto/x509 parser.go.
int cb_x509_check(struct cb_str der, struct cb_error *err);

// Whether bytes are the SubjectPublicKeyInfo of an RSA key, and nothing more. Its size is not looked at.
bool cb_x509_is_rsa_key(struct cb_str der);

// The same for the value of one extension, whose id is an encoded OID. False: malformed, or critical where it must not
// be. Unknown extensions are fine.
bool cb_x509_extension_is_valid(struct cb_str id, bool critical, struct cb_str value);

#endif
