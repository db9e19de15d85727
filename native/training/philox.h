// Philox4x64-10 (Salmon et al. 2011), as NumPy and treadle/engines/philox.py have it.
//
// Noise is a function of where it goes, so that every engine draws the same in any order.
#pragma once

#include <cstdint>

namespace treadle {

// What a stream of 32-bit words is for: the second word of the counter.
enum class Noise : uint64_t { dropout = 0, augmentation = 1 };

// The words of one (purpose, layer, step) under one seed. Word w is half of a 64-bit word, the low half first, of block
// w / 8; NumPy counts blocks from 1.
class Words {
public:
    Words(uint64_t seed, Noise purpose, uint64_t layer, uint64_t step)
        : seed_(seed), purpose_(uint64_t(purpose)), layer_(layer), step_(step) {}

    // The eight words 8 * block and on.
    void block(uint64_t block, uint32_t words[8]) const {
        uint64_t c0 = block + 1, c1 = purpose_, c2 = layer_, c3 = step_;
        uint64_t k0 = seed_, k1 = 0;
        for (int round = 0; round < 10; ++round) {
            const unsigned __int128 p0 = (unsigned __int128)0xD2E7470EE14C6C93u * c0;
            const unsigned __int128 p1 = (unsigned __int128)0xCA5A826395121157u * c2;
            c0 = uint64_t(p1 >> 64) ^ c1 ^ k0;
            c2 = uint64_t(p0 >> 64) ^ c3 ^ k1;
            c1 = uint64_t(p1);
            c3 = uint64_t(p0);
            k0 += 0x9E3779B97F4A7C15u;
            k1 += 0xBB67AE8584CAA73Bu;
        }
        const uint64_t out[4] = {c0, c1, c2, c3};
        for (int i = 0; i < 4; ++i) {
            words[2 * i] = uint32_t(out[i]);
            words[2 * i + 1] = uint32_t(out[i] >> 32);
        }
    }

    // Word w alone, for those who need a few.
    uint32_t operator[](uint64_t w) const {
        uint32_t words[8];
        block(w / 8, words);
        return words[w % 8];
    }

private:
    uint64_t seed_, purpose_, layer_, step_;
};

}  // namespace treadle
