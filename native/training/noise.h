// Draws the noise of a batch: dropout masks and moved pixels, as treadle/engines/dropout.py and augmentation.py do.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernels/kernels.h"
#include "training/philox.h"

namespace treadle {

// Rows row_begin <= i < row_end of a layer's mask (rows, stride): 0 with probability `rate`, else 1 / (1 - rate).
template <typename Real>
void draw_mask(const Words& words, double rate, int64_t n_units, int64_t row_begin, int64_t row_end, Real* mask,
               ptrdiff_t stride) {
    const auto dropped_below = uint64_t(std::nearbyint(rate * 4294967296.0));
    const Real kept = Real(1 / (1 - rate));
    uint32_t block[8];
    uint64_t word = uint64_t(row_begin) * uint64_t(n_units);
    if (word % 8) words.block(word / 8, block);
    for (int64_t i = row_begin; i < row_end; ++i) {
        for (int64_t j = 0; j < n_units; ++j, ++word) {
            if (word % 8 == 0) words.block(word / 8, block);
            mask[i * stride + j] = block[word % 8] < dropped_below ? Real(0) : kept;
        }
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
