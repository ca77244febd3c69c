// How fast the encoder is, on files given: MB (10^6 bytes of input) a second, the best of some runs.
//
//     bench_deflate [-r RUNS] [-t THREADS] FILE...
//
// For each file: the encoder on one thread with nothing around it, then the gzip writer on 1 to THREADS threads.
// Compare runs made in alternation: other work on the machine shows.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/alloc.h"
#include "cbuild/base/buf.h"
#include "cbuild/compress/deflate.h"
#include "cbuild/compress/gzip.h"

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t encode(unsigned threads, const uint8_t *p, size_t n)
{
    (void)threads;
    CB_AUTOFREE uint8_t *out = cb_alloc(cb_deflate_bound(CB_DEFLATE_CHUNK));
    struct cb_deflate *d = cb_deflate_new();
    size_t total = 0;
    for (size_t at = 0; at < n; at += CB_DEFLATE_CHUNK) {
        size_t some = n - at < CB_DEFLATE_CHUNK ? n - at : CB_DEFLATE_CHUNK;
        total += cb_deflate_chunk(d, p + at, at ? CB_DEFLATE_DICTIONARY : 0, some, false, out);
    }
    cb_deflate_free(d);
    return total;
}

struct count_sink {
    struct cb_sink sink;
    size_t n;
};

static int count(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)p;
    (void)err;
    ((struct count_sink *)s)->n += n;
    return 0;
}

static size_t write_gzip(unsigned threads, const uint8_t *p, size_t n)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct count_sink sink = {{count}, 0};
    struct cb_pool *pool = cb_pool_new(threads);
    struct cb_gzip_writer *w = cb_gzip_writer_new(&sink.sink, pool);
    if (cb_write(cb_gzip_writer_sink(w), p, n, &err) || cb_gzip_writer_finish(w, &err))
        abort();
    cb_gzip_writer_free(w);
    cb_pool_free(pool);
    return sink.n;
}

static void report(const char *what, unsigned runs, size_t (*run)(unsigned threads, const uint8_t *p, size_t n),
                   unsigned threads, struct cb_str in)
{
    double best = 0;
    size_t out = 0;
    for (unsigned i = 0; i < runs; i++) {
        double from = seconds();
        out = run(threads, (const uint8_t *)in.p, in.n);
        double rate = (double)in.n / 1e6 / (seconds() - from);
        best = rate > best ? rate : best;
    }
    printf("  %-8s %u thread%s %8.1f MB/s  %zu bytes\n", what, threads, threads == 1 ? " " : "s", best, out);
}

static int read_file(const char *path, struct cb_buf *b)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    for (size_t n = 1; n > 0;) {
        cb_buf_reserve(b, 1 << 20);
        n = fread(b->p + b->n, 1, 1 << 20, f);
        b->n += n;
    }
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned runs = 5, threads = 2;
    for (int c; (c = getopt(argc, argv, "r:t:")) != -1;) {
        if (c == '?')
            return 2;
        *(c == 'r' ? &runs : &threads) = (unsigned)strtoul(optarg, NULL, 10);
    }
    for (int i = optind; i < argc; i++) {
        CB_BUF_AUTO in = {0};
        if (read_file(argv[i], &in)) {
            perror(argv[i]);
            return 1;
        }
        printf("%s: %zu bytes\n", argv[i], in.n);
        report("encoder", runs, encode, 1, cb_buf_str(&in));
        for (unsigned t = 1; t <= threads; t++)
            report("gzip", runs, write_gzip, t, cb_buf_str(&in));
    }
    return 0;
}
