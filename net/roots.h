// The certificates that TLS trusts, loaded once and shared by every connection of a client.
#ifndef CB_NET_ROOTS_H
#define CB_NET_ROOTS_H

#include <openssl/x509.h>

// As Go's crypto/x509 collects them: the file SSL_CERT_FILE or else the first of the system's bundles; and besides it
// every file of the folders in SSL_CERT_DIR, or else the system's folder. What cannot be read is left out with a
// warning in the log: verification then fails and says so. Never NULL.
X509_STORE *cb_roots_load(const char *ssl_cert_file, const char *ssl_cert_dir);

#endif
