/* A keyed hash of bytes, in the manner of multiply-and-fold hashes: 16 bytes a step are folded into
   the state through a 64 x 64 bit product. It only has to spread keys over a table; keys are always
   compared byte by byte, and the seed is random so that nobody can prepare keys that collide. */

#ifndef HYDRANT_KEYED_HASH_H
#define HYDRANT_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hydrant_fold(uint64_t left, uint64_t right) {
    unsigned __int128 product = (unsigned __int128)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hydrant_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* seed: four words. */
static inline uint64_t hydrant_hash(const uint8_t *at, size_t length, const uint64_t *seed) {
    uint64_t state = seed[0] ^ length;
    size_t left = length;
    while (left > 16) {
        state = hydrant_fold(hydrant_word(at) ^ seed[1], hydrant_word(at + 8) ^ state);
        at += 16;
        left -= 16;
    }
    uint64_t tail[2] = {0, 0};
    memcpy(tail, at, left);
    state = hydrant_fold(tail[0] ^ seed[2], tail[1] ^ state);
    return hydrant_fold(state ^ seed[3], length ^ seed[1]);
}

#endif
