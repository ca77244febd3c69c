// What reading and writing tar archives share.
#include "tar_format.h"

#include <stdlib.h>

struct tar_sums tar_checksums(const uint8_t block[TAR_BLOCK])
{
    uint32_t sum = 0, high = 0; // high: bytes that are negative as signed ones, each of which then counts 256 less

    for (size_t i = 0; i < TAR_BLOCK; i++) {
        sum += block[i];
        high += block[i] >> 7;
    }
    for (size_t i = TAR_CHECKSUM.at; i < TAR_CHECKSUM.at + TAR_CHECKSUM.n; i++) { // counts as spaces
        sum -= block[i];
        high -= block[i] >> 7;
        sum += ' ';
    }
    return (struct tar_sums){sum, (int64_t)sum - 256 * (int64_t)high};
}

bool tar_header_only(uint8_t type)
{
    return type >= CB_TAR_HARDLINK && type <= CB_TAR_FIFO;
}

uint64_t cb_tar_data_size(const struct cb_tar_header *h)
{
    return tar_header_only(h->type) || h->size < 0 ? 0 : (uint64_t)h->size;
}

bool tar_pax_valid(struct cb_str key, struct cb_str value)
{
    static const char *const no_nul[] = {"path", "linkpath", "uname", "gname"};

    if (key.n == 0 || cb_str_find(key, '=') >= 0)
        return false;
    for (size_t i = 0; i < sizeof no_nul / sizeof *no_nul; i++)
        if (cb_str_is(key, no_nul[i]))
            return cb_str_find(value, '\0') < 0;
    return cb_str_find(key, '\0') < 0;
}

struct cb_str cb_tar_pax_get(const struct cb_tar_header *h, const char *key)
{
    for (size_t i = 0; i < h->npax; i++)
        if (cb_str_is(h->pax[i].key, key))
            return h->pax[i].value.p ? h->pax[i].value : CB_STR("");
    return (struct cb_str){NULL, 0};
}
