// Draws the noise of a batch: which values dropout keeps, and moved pixels, as treadle/engines/dropout.py and augmentation.py do.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "kernels/kernels.h"
#include "training/philox.h"

namespace treadle {

// Which words of a block are at least `least` < 2^32: bit i is of word i.
class WordsFrom {
#if defined(__SSE2__)
    __m128i below_;

    // Signed numbers, in the words' order.
    static __m128i from_least(__m128i words) { return _mm_xor_si128(words, _mm_set1_epi32(INT32_MIN)); }

public:
    explicit WordsFrom(uint64_t least) : below_(from_least(_mm_set1_epi32(int32_t(uint32_t(least))))) {}
    uint8_t operator()(const uint64_t (&pairs)[4]) const {
        const auto two = [&](int i) {
            return _mm_cmplt_epi32(from_least(_mm_set_epi64x(int64_t(pairs[i + 1]), int64_t(pairs[i]))), below_);
        };
        return uint8_t(~_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(two(0), two(2)), _mm_setzero_si128())));
    }
#else
    uint64_t rest_;  // a word's sum with it is 2^32 or more

public:
    explicit WordsFrom(uint64_t least) : rest_((uint64_t(1) << 32) - least) {}
    uint8_t operator()(const uint64_t (&pairs)[4]) const {
        uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) bits |= (uint64_t(uint32_t(pairs[i / 2] >> (i % 2 * 32))) + rest_) >> 32 << i;
        return uint8_t(bits);
    }
#endif
};

// Bytes begin <= b < end of the bits that say which values of a layer dropout keeps: bit w, of value
// w = row * n_units + unit, is that of word w, and 0 with probability `rate`.
inline void draw_kept(const Words words, double rate, int64_t begin, int64_t end, uint8_t* kept) {
    const auto least = uint64_t(std::nearbyint(rate * 4294967296.0));
    if (least >> 32) {  // none is
        std::memset(kept + begin, 0, size_t(end - begin));
        return;
    }
    const WordsFrom are_kept(least);
    for (int64_t b = begin; b < end; ++b) {
        uint64_t pairs[4];
        words.block(uint64_t(b), pairs);
        kept[b] = are_kept(pairs);
    }
}

// Row i of the batch is an image: mirrored left to right where the words say so, then moved by up to `shift` pixels
// each way; what comes in is `background`.
template <typename Real>
void move_image(const Augmentation& augmentation, const Words& words, int64_t i, Real background, Real* image) {
    const int64_t height = augmentation.height, width = augmentation.width, span = 2 * augmentation.shift + 1;
    const auto offset = [&](uint32_t word) {
        return int64_t(uint64_t(word) * uint64_t(span) >> 32) - augmentation.shift;
    };
    const bool flip = augmentation.flip && words[uint64_t(3 * i)] >> 31;
    const int64_t right = augmentation.shift ? offset(words[uint64_t(3 * i + 1)]) : 0;
    const int64_t down = augmentation.shift ? offset(words[uint64_t(3 * i + 2)]) : 0;
    if (flip) {
        for (int64_t y = 0; y < height; ++y) {
            Real* line = image + y * width;
            for (int64_t x = 0; x < width / 2; ++x) std::swap(line[x], line[width - 1 - x]);
        }
    }
    if (right == 0 && down == 0) return;
    // In place: lines from the side that the image moves to.
    for (int64_t k = 0; k < height; ++k) {
        const int64_t y = down > 0 ? height - 1 - k : k, from = y - down;
        Real* line = image + y * width;
        if (from < 0 || from >= height || std::abs(right) >= width) {
            for (int64_t x = 0; x < width; ++x) line[x] = background;
            continue;
        }
        const Real* source = image + from * width;
        const int64_t kept = width - std::abs(right);
        if (right >= 0) {
            std::memmove(line + right, source, size_t(kept) * sizeof(Real));
            for (int64_t x = 0; x < right; ++x) line[x] = background;
        } else {
            std::memmove(line, source - right, size_t(kept) * sizeof(Real));
            for (int64_t x = kept; x < width; ++x) line[x] = background;
        }
    }
}

}  // namespace treadle
