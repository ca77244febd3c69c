// What RFC 1951 fixes: alphabets, extra bits, code-length order. No choice of the encoder is in here.
#ifndef CB_COMPRESS_DEFLATE_FORMAT_H
#define CB_COMPRESS_DEFLATE_FORMAT_H

#include <stdint.h>
#include <string.h>

#define CB_DEFLATE_LITERALS 256
#define CB_DEFLATE_END_OF_BLOCK 256 // the literal/length symbol that ends a block
#define CB_DEFLATE_FIRST_LENGTH 257 // the symbol of length code 0
#define CB_DEFLATE_LITLEN_SYMBOLS 286
#define CB_DEFLATE_LITLEN_FIXED 288 // the fixed code counts two that are never used
#define CB_DEFLATE_LENGTH_CODES 29
#define CB_DEFLATE_DISTANCE_SYMBOLS 30
#define CB_DEFLATE_PRECODE_SYMBOLS 19

#define CB_DEFLATE_MIN_MATCH 3
#define CB_DEFLATE_MAX_MATCH 258
#define CB_DEFLATE_WINDOW 32768

#define CB_DEFLATE_MAX_CODE_BITS 15   // of a literal, length or distance code
#define CB_DEFLATE_MAX_PRECODE_BITS 7 // of a code that spells code lengths
#define CB_DEFLATE_MAX_LENGTH_EXTRA 5
#define CB_DEFLATE_MAX_DISTANCE_EXTRA 13

#define CB_DEFLATE_MAX_STORED 65535 // bytes in one stored block

// The two-bit block types, as they stand above the "last block" bit.
enum { CB_DEFLATE_STORED = 0, CB_DEFLATE_FIXED = 1, CB_DEFLATE_DYNAMIC = 2 };

// Length code k stands for lengths from 3 + base on, with this many extra bits. 258 has a code to itself.
static const uint8_t cb_length_base[CB_DEFLATE_LENGTH_CODES] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255};
static const uint8_t cb_length_extra[CB_DEFLATE_LENGTH_CODES] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                                 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

// Distance code k stands for distances from 1 + base on.
static const uint16_t cb_distance_base[CB_DEFLATE_DISTANCE_SYMBOLS] = {
    0,   1,   2,   3,   4,   6,    8,    12,   16,   24,   32,   48,   64,    96,    128,
    192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576};
static const uint8_t cb_distance_extra[CB_DEFLATE_DISTANCE_SYMBOLS] = {
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

// The order in which the lengths of the precode are sent: those likely to be zero last, so that they can be cut off.
static const uint8_t cb_precode_order[CB_DEFLATE_PRECODE_SYMBOLS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};

// The code of a distance, which is given less one: two codes for each power of two from 2 on. A float knows both.
static inline uint32_t cb_distance_code(uint32_t distance_less_one)
{
    float f = (float)(int32_t)distance_less_one;
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return distance_less_one < 2 ? distance_less_one : (u >> 22) - 2 * 127;
}

#endif
