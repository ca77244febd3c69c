#include "ustar.h"

#include <assert.h>
#include <stdio.h>

#define OCTAL_SIZE_MAX 077777777777ull // what the size field can hold
#define FILE_MODE 0644u

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100];
    char magic[8], uname[32], gname[32], devmajor[8], devminor[8], prefix[155], rest[12];
};
static_assert(sizeof(struct header) == USTAR_BLOCK, "a header is one block");

static const char zeros[USTAR_BLOCK];

// width - 1 octal digits and a NUL. A value that is too large becomes 0.
static void octal(char *field, size_t width, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%0*llo", (int)width - 1, (unsigned long long)value);

    if ((size_t)n > width - 1)
        snprintf(text, sizeof text, "%0*d", (int)width - 1, 0);
    memcpy(field, text, width);
}

static void finish(struct header *h)
{
    unsigned sum = 0;

    memcpy(h->magic, "ustar\00000", 8);
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof *h; i++)
        sum += ((const unsigned char *)h)[i];
    octal(h->checksum, 7, sum);
}

static void begin(struct header *h, const char *name, unsigned mode, uint64_t size, char type)
{
    size_t n = strlen(name);

    assert(n <= USTAR_NAME_MAX);
    memset(h, 0, sizeof *h);
    memcpy(h->name, name, n);
    octal(h->mode, sizeof h->mode, mode);
    octal(h->uid, sizeof h->uid, 0);
    octal(h->gid, sizeof h->gid, 0);
    octal(h->size, sizeof h->size, size);
    octal(h->mtime, sizeof h->mtime, 0);
    h->type = type;
}

// A pax record counts its own length's digits, too.
static int write_pax_size(struct cb_sink *out, const char *name, uint64_t size, struct cb_error *err)
{
    struct header h;
    char record[64], full[USTAR_NAME_MAX + 16];
    int n = snprintf(record, sizeof record, "%d size=%llu\n", 10, (unsigned long long)size);

    n = snprintf(record, sizeof record, "%d size=%llu\n", n, (unsigned long long)size);
    snprintf(full, sizeof full, "PaxHeaders.0/%s", name);
    full[USTAR_NAME_MAX] = 0;
    begin(&h, full, 0, (uint64_t)n, 'x');
    finish(&h);
    if (cb_write(out, &h, sizeof h, err) < 0 || cb_write(out, record, (size_t)n, err) < 0)
        return -1;
    return cb_ustar_pad(out, (uint64_t)n, err);
}

int cb_ustar_header(struct cb_sink *out, const char *name, uint64_t size, struct cb_error *err)
{
    struct header h;

    if (size > OCTAL_SIZE_MAX && write_pax_size(out, name, size, err) < 0)
        return -1;
    begin(&h, name, FILE_MODE, size, '0');
    octal(h.devmajor, sizeof h.devmajor, 0);
    octal(h.devminor, sizeof h.devminor, 0);
    finish(&h);
    return cb_write(out, &h, sizeof h, err);
}

int cb_ustar_pad(struct cb_sink *out, uint64_t size, struct cb_error *err)
{
    size_t over = (size_t)(size % USTAR_BLOCK);
    return over ? cb_write(out, zeros, USTAR_BLOCK - over, err) : 0;
}

int cb_ustar_end(struct cb_sink *out, struct cb_error *err)
{
    return cb_write(out, zeros, sizeof zeros, err) < 0 ? -1 : cb_write(out, zeros, sizeof zeros, err);
}
