#include "training/orders.h"

#include <array>
#include <bit>
#include <cstddef>
#include <utility>

namespace treadle {

namespace {

// What numpy.random.SeedSequence makes of a sequence of numbers: a pool of four words, into which the numbers' words
// are hashed one after the other, and words for a generator's state hashed out of it (O'Neill 2015, "Developing a
// seed_seq alternative").
class SeedSequence {
    static constexpr int POOL = 4;
    uint32_t pool_[POOL];

    class Hash {
        uint32_t constant_;
        const uint32_t factor_;

    public:
        Hash(uint32_t constant, uint32_t factor) : constant_(constant), factor_(factor) {}
        uint32_t operator()(uint32_t value) {
            value ^= constant_;
            constant_ *= factor_;
            value *= constant_;
            return value ^ value >> 16;
        }
    };

    static uint32_t mix(uint32_t x, uint32_t y) {
        const uint32_t mixed = 0xca01f9ddu * x - 0x4973f715u * y;
        return mixed ^ mixed >> 16;
    }

public:
    SeedSequence(uint64_t first, uint64_t second) {
        // Each number's words, the lowest first, without those that are 0 above them.
        uint32_t words[POOL] = {};
        int n = 0;
        for (const uint64_t number : {first, second}) {
            words[n++] = uint32_t(number);
            if (number >> 32) words[n++] = uint32_t(number >> 32);
        }
        Hash hash(0x43b0d7e5u, 0x931e8875u);
        for (int i = 0; i < POOL; ++i) pool_[i] = hash(words[i]);
        for (int from = 0; from < POOL; ++from)
            for (int to = 0; to < POOL; ++to)
                if (from != to) pool_[to] = mix(pool_[to], hash(pool_[from]));
    }

    std::array<uint64_t, 4> state() const {
        Hash hash(0x8b51f9ddu, 0x58f38dedu);
        std::array<uint64_t, 4> words{};
        for (int i = 0; i < 8; ++i) words[size_t(i / 2)] |= uint64_t(hash(pool_[i % POOL])) << (i % 2 * 32);
        return words;
    }
};

// numpy.random.PCG64: PCG XSL RR 128/64 (O'Neill 2014), whose words of 64 bits give two of 32, the lower first.
class Pcg64 {
    using State = unsigned __int128;
    State state_ = 0, increment_;
    uint32_t upper_ = 0;
    bool has_upper_ = false;

    static State join(uint64_t high, uint64_t low) { return State(high) << 64 | low; }
    void step() { state_ = state_ * join(0x2360ed051fc65da4u, 0x4385df649fccf645u) + increment_; }

public:
    explicit Pcg64(const std::array<uint64_t, 4>& seed) : increment_(join(seed[2], seed[3]) << 1 | 1) {
        step();
        state_ += join(seed[0], seed[1]);
        step();
    }

    uint32_t word() {
        if (std::exchange(has_upper_, !has_upper_)) return upper_;
        step();
        const uint64_t folded = uint64_t(state_ >> 64) ^ uint64_t(state_);
        const int turn = int(state_ >> 122);
        const uint64_t word = folded >> turn | folded << (-turn & 63);
        upper_ = uint32_t(word >> 32);
        return uint32_t(word);
    }

    // From 0 to `last`, each as likely: the lowest bits of the first word whose lowest bits are not beyond it.
    uint32_t up_to(uint32_t last) {
        const uint32_t mask = UINT32_MAX >> std::countl_zero(last);
        uint32_t drawn = word() & mask;
        while (drawn > last) drawn = word() & mask;
        return drawn;
    }
};

}  // namespace

void draw_orders(uint64_t seed, uint64_t first_epoch, int64_t n_epochs, int64_t n_rows, int64_t* orders) {
    for (int64_t e = 0; e < n_epochs; ++e, orders += n_rows) {
        Pcg64 generator(SeedSequence(seed, first_epoch + uint64_t(e)).state());
        for (int64_t i = 0; i < n_rows; ++i) orders[i] = i;
        for (int64_t i = n_rows - 1; i > 0; --i) std::swap(orders[i], orders[generator.up_to(uint32_t(i))]);
    }
}

}  // namespace treadle
