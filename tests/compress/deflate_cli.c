// cbuild-deflate: the gzip writer on the command line, to be held against the reference from outside.
//
//     cbuild-deflate [-t THREADS] FILE                 the gzip stream of FILE on stdout
//     cbuild-deflate [-t THREADS] -s FILE...           its SHA-256, as sha256sum prints it
//     cbuild-deflate [-t THREADS] -g FIRST COUNT       the same of generated samples: seed, kind, size, SHA-256
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/alloc.h"
#include "cbuild/compress/gzip.h"
#include "cbuild/crypto/hash.h"
#include "sample.h"

static int compress(struct cb_source *from, struct cb_sink *to, struct cb_pool *pool, struct cb_error *err)
{
    struct cb_gzip_writer *w = cb_gzip_writer_new(to, pool);
    int result = cb_copy(cb_gzip_writer_sink(w), from, NULL, err) || cb_gzip_writer_finish(w, err) ? -1 : 0;
    cb_gzip_writer_free(w);
    return result;
}

static int print_sum(struct cb_source *from, struct cb_pool *pool, struct cb_error *err)
{
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];
    if (compress(from, &sink.sink, pool, err))
        return -1;
    cb_hex(hex, sum, cb_hash_sum(hash, sum));
    fputs(hex, stdout);
    return 0;
}

static int file(const char *path, int sum, struct cb_pool *pool, struct cb_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cb_fail(err, CB_E_IO, "cannot open %s", path);
    struct cb_fd_source from = cb_fd_source(fd, path);
    struct cb_fd_sink to = cb_fd_sink(STDOUT_FILENO, "stdout");
    int result = sum ? print_sum(&from.source, pool, err) : compress(&from.source, &to.sink, pool, err);
    if (sum && !result)
        printf("  %s\n", path);
    close(fd);
    return result;
}

static int samples(uint64_t first, uint64_t count, struct cb_pool *pool, struct cb_error *err)
{
    CB_AUTOFREE uint8_t *in = cb_alloc(SAMPLE_SIZE_MAX);
    for (uint64_t seed = first; seed - first < count; seed++) {
        unsigned kind;
        size_t size;
        sample_pick(seed, &kind, &size);
        sample_make(in, size, seed, kind);
        struct cb_mem_source from = cb_mem_source(in, size);
        printf("%llu %u %zu ", (unsigned long long)seed, kind, size);
        if (print_sum(&from.source, pool, err))
            return -1;
        putchar('\n');
    }
    return 0;
}

int main(int argc, char **argv)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    unsigned threads = 1;
    int sum = 0, generated = 0, result = 0;
    for (int c; (c = getopt(argc, argv, "t:sg")) != -1;) {
        if (c == 't')
            threads = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 's')
            sum = 1;
        else if (c == 'g')
            generated = 1;
        else
            return 2;
    }
    struct cb_pool *pool = cb_pool_new(threads ? threads : 1);
    if (generated && argc - optind == 2)
        result = samples(strtoull(argv[optind], NULL, 0), strtoull(argv[optind + 1], NULL, 0), pool, &err);
    else
        for (int i = optind; i < argc && !result; i++)
            result = file(argv[i], sum, pool, &err);
    cb_pool_free(pool);
    if (result)
        fprintf(stderr, "cbuild-deflate: %s\n", err.message);
    return result ? 1 : 0;
}
