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

    // The eight words 8 * block and on, in pairs.
    //
    // A loop over blocks has products, keys and the half of the first two rounds that are the same for all before it.
    // It takes as long as its multiplications; by four of 32 bits in each lane of a vector it takes no less.
    inline __attribute__((always_inline)) void block(uint64_t block, uint64_t (&pairs)[4]) const {
        uint64_t c0 = block + 1, c1 = purpose_, c2 = layer_, c3 = step_;
        uint64_t k0 = seed_, k1 = 0;
#pragma GCC unroll 10
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
        pairs[0] = c0;
        pairs[1] = c1;
        pairs[2] = c2;
        pairs[3] = c3;
    }

    // Word w alone, for those who need a few.
    uint32_t operator[](uint64_t w) const {
        uint64_t pairs[4];
        block(w / 8, pairs);
        return uint32_t(pairs[w % 8 / 2] >> (w % 2 * 32));
    }

private:
    uint64_t seed_, purpose_, layer_, step_;
};

}  // namespace treadle
