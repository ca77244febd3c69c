#include "roots.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"

#define ROOTS_FILE_MAX (64u << 20)

// Where distributions keep their bundle; the first that exists is taken.
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Alpine, Wolfi
    "/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",                            // openSUSE
    "/etc/pki/tls/cacert.pem",                           // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                                 // Alpine
};

// A hundred and fifty certificates take OpenSSL 3 a tenth of a second to read, and a connection needs one or two of
// them. So a bundle is only cut into certificates, of which the subject is read; a lookup method reads one in full when
// a chain asks for its subject.
struct root {
    X509_NAME *subject;
    unsigned char *der;
    long size;
};

struct roots { // belongs to the lookup method of its store; not changed after loading
    struct root *v;
    size_t n, cap;
};

// Steps into (or, with `over`, past) one ASN.1 value; false where the tag is not the one expected.
static bool step(const unsigned char **p, const unsigned char *end, int tag, bool over)
{
    long length = 0;
    int got_tag = 0, class = 0;
    const unsigned char *at = *p;
    if (at >= end || (ASN1_get_object(&at, &length, &got_tag, &class, end - at) & 0x80) || got_tag != tag)
        return false;
    *p = over ? at + length : at;
    return *p <= end;
}

// The subject of a certificate: SEQUENCE { SEQUENCE { [0] version?, serial, algorithm, issuer, validity, subject ...
static X509_NAME *read_subject(const unsigned char *der, long size)
{
    const unsigned char *p = der, *end = der + size;
    if (!step(&p, end, V_ASN1_SEQUENCE, false) || !step(&p, end, V_ASN1_SEQUENCE, false))
        return NULL;
    if (p < end && *p == 0xa0 && !step(&p, end, 0, true))
        return NULL;
    if (!step(&p, end, V_ASN1_INTEGER, true) || !step(&p, end, V_ASN1_SEQUENCE, true) ||
        !step(&p, end, V_ASN1_SEQUENCE, true) || !step(&p, end, V_ASN1_SEQUENCE, true))
        return NULL;
    return d2i_X509_NAME(NULL, &p, end - p);
}

static int find_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *out)
{
    const struct roots *roots = X509_LOOKUP_get_method_data(lookup);
    X509 *found = NULL;
    for (size_t i = 0; type == X509_LU_X509 && i < roots->n; i++) {
        const unsigned char *p = roots->v[i].der;
        if (X509_NAME_cmp(roots->v[i].subject, name) != 0)
            continue;
        X509 *x = d2i_X509(NULL, &p, roots->v[i].size);
        if (x && X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), x) == 1 && !found)
            found = x;
        else
            X509_free(x);
    }
    if (!found || X509_OBJECT_set1_X509(out, found) != 1)
        return 0;
    X509_free(found); // ours
    X509_free(found); // X509_OBJECT_set1_X509's: who called us adds one for *out
    return 1;
}

static void free_lookup(X509_LOOKUP *lookup)
{
    struct roots *roots = X509_LOOKUP_get_method_data(lookup);
    for (size_t i = 0; roots && i < roots->n; i++) {
        X509_NAME_free(roots->v[i].subject);
        OPENSSL_free(roots->v[i].der);
    }
    if (roots)
        free(roots->v);
    free(roots);
}

static X509_LOOKUP_METHOD *method; // as long as the process

static void make_method(void)
{
    method = X509_LOOKUP_meth_new("roots by subject");
    if (!method)
        abort(); // out of memory
    X509_LOOKUP_meth_set_get_by_subject(method, find_by_subject);
    X509_LOOKUP_meth_set_free(method, free_lookup);
}

static struct roots *add_roots(X509_STORE *store)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, method);
    struct roots *roots = cb_zalloc(sizeof *roots);
    if (!lookup || X509_LOOKUP_set_method_data(lookup, roots) != 1)
        abort(); // out of memory
    return roots;
}

// Every certificate of a PEM file; other blocks, and certificates that do not parse, are passed over.
static int add_file(struct roots *roots, const char *path, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (cb_read_file(path, &text, ROOTS_FILE_MAX, err))
        return -1;
    BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    while (in && PEM_read_bio(in, &name, &header, &der, &size) == 1) {
        X509_NAME *subject = strcmp(name, PEM_STRING_X509) == 0 ? read_subject(der, size) : NULL;
        if (subject)
            *cb_vec_add(roots) = (struct root){subject, der, size};
        else
            OPENSSL_free(der);
        OPENSSL_free(name);
        OPENSSL_free(header);
    }
    BIO_free(in);
    ERR_clear_error();
    return 0;
}

static void add_system_bundle(struct roots *roots)
{
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        CB_ERROR_AUTO ignored = CB_ERROR_INIT;
        if (add_file(roots, bundles[i], &ignored) == 0)
            return;
    }
}

// A link to another file of the same folder, such as c_rehash makes by the hundred.
static bool is_alias(const char *path)
{
    char target[256];
    ssize_t n = readlink(path, target, sizeof target);
    return n > 0 && !memchr(target, '/', (size_t)n);
}

static void add_folder(struct roots *roots, const char *path)
{
    DIR *d = opendir(path);
    if (!d) {
        cb_log(CB_WARN, "the folder of certificates %s cannot be read: %m", path);
        return;
    }
    struct dirent *e;
    while ((e = readdir(d))) { // into a set: the order does not matter
        CB_ERROR_AUTO ignored = CB_ERROR_INIT;
        char *file CB_AUTOFREE = cb_path_join(path, e->d_name);
        if (e->d_name[0] != '.' && !is_alias(file))
            add_file(roots, file, &ignored);
    }
    closedir(d);
}

// The system's own folder is hashed (c_rehash), so that its files can be read when they are needed.
static void add_system_folder(X509_STORE *store)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    if (lookup)
        X509_LOOKUP_add_dir(lookup, "/etc/ssl/certs:/etc/pki/tls/certs", X509_FILETYPE_PEM);
}

X509_STORE *cb_roots_load(const char *ssl_cert_file, const char *ssl_cert_dir)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        abort(); // out of memory
    // A trusted intermediate suffices, and what is trusted is looked for before what the server sent: as in Go.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    struct roots *roots = add_roots(store);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (!ssl_cert_file || !ssl_cert_file[0])
        add_system_bundle(roots);
    else if (add_file(roots, ssl_cert_file, &err))
        cb_log(CB_WARN, "SSL_CERT_FILE: %s", err.message);
    if (!ssl_cert_dir || !ssl_cert_dir[0]) {
        add_system_folder(store);
    } else {
        struct cb_str rest = cb_str(ssl_cert_dir), part;
        while (cb_str_cut(&rest, ':', &part)) {
            char *dir CB_AUTOFREE = cb_strndup(part.p, part.n);
            if (part.n)
                add_folder(roots, dir);
        }
    }
    ERR_clear_error();
    return store;
}
