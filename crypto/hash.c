#include "cbuild/crypto/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

struct cb_hash {
    EVP_MD_CTX *ctx;
    const EVP_MD *md;
};

// OpenSSL 3 looks an algorithm up anew at every implicit use of it, under a lock; a build hashes tens of thousands of
// small files, so the three are fetched once and kept for the life of the process.
static const EVP_MD *algorithms[3];
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch_algorithms(void)
{
    static const char *const names[] = {[CB_SHA1] = "SHA1", [CB_SHA256] = "SHA256", [CB_SHA512] = "SHA512"};
    for (size_t i = 0; i < 3; i++) {
        algorithms[i] = EVP_MD_fetch(NULL, names[i], NULL);
        assert(algorithms[i]);
    }
}

static const EVP_MD *algorithm(enum cb_hash_kind kind)
{
    pthread_once(&fetched, fetch_algorithms);
    return algorithms[kind];
}

// What EVP reports here is a misuse of it or the end of memory, neither of which a caller can do anything about.
static void must(int result)
{
    if (result != 1)
        abort();
}

struct cb_hash *cb_hash_new(enum cb_hash_kind kind)
{
    struct cb_hash *h = cb_alloc(sizeof *h);
    h->md = algorithm(kind);
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, h->md, NULL));
    return h;
}

void cb_hash_add(struct cb_hash *h, const void *p, size_t n)
{
    must(EVP_DigestUpdate(h->ctx, p, n));
}

size_t cb_hash_sum(struct cb_hash *h, uint8_t out[CB_HASH_MAX])
{
    unsigned n = 0;
    must(EVP_DigestFinal_ex(h->ctx, out, &n));
    must(EVP_DigestInit_ex(h->ctx, h->md, NULL));
    return n;
}

void cb_hash_free(struct cb_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void cb_hash_free_p(struct cb_hash **h)
{
    cb_hash_free(*h);
}

size_t cb_hash_size(enum cb_hash_kind kind)
{
    static const size_t sizes[] = {
        [CB_SHA1] = CB_SHA1_SIZE, [CB_SHA256] = CB_SHA256_SIZE, [CB_SHA512] = CB_SHA512_SIZE};
    return sizes[kind];
}

void cb_hash_once(enum cb_hash_kind kind, const void *p, size_t n, uint8_t *out)
{
    must(EVP_Digest(p, n, out, NULL, algorithm(kind), NULL));
}

static int hash_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)err;
    cb_hash_add(((struct cb_hash_sink *)s)->hash, p, n);
    return 0;
}

struct cb_hash_sink cb_hash_sink(struct cb_hash *h)
{
    return (struct cb_hash_sink){{hash_write}, h};
}

void cb_hmac_sha256(const uint8_t *key, size_t key_size, const void *p, size_t n, uint8_t out[CB_SHA256_SIZE])
{
    unsigned size = CB_SHA256_SIZE;
    if (!HMAC(EVP_sha256(), key, (int)key_size, p, n, out, &size))
        abort();
}
