// Arrays of floats for the kernels, aligned to a cache line and zero at first, out of a few large pieces of memory, or
// out of one small piece where all that is needed is known to be little.
//
// A step walks down columns of arrays whose rows lie kilobytes apart, one page of memory after the other. On pages of
// two megabytes, which Linux gives to memory that asks for them, the processor finds them without looking them up.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace treadle {

// An array; its memory belongs to the arena that made it.
class Buffer {
public:
    Buffer() = default;
    Buffer(float* data, int64_t n) : data_(data), n_(n) {}

    float* data() const { return data_; }
    int64_t size() const { return n_; }

private:
    float* data_ = nullptr;
    int64_t n_ = 0;
};

class Arena {
public:
    Arena() = default;

    // For arrays of so many floats together, of which a cache line more each is given; more may be asked for.
    explicit Arena(int64_t floats) {
        if (floats < HUGE_PAGE / 4) add_piece(floats, LINE);
    }

    // `stagger` cache lines are left out first, so that arrays which are walked through together do not all begin at
    // the same place of a page.
    Buffer floats(int64_t n, int stagger = 0) {
        const int64_t needed = (n + LINE - 1) / LINE * LINE + LINE * stagger;
        if (needed > left_) add_piece(needed, HUGE_PAGE);
        float* data = next_ + LINE * stagger;
        next_ += needed;
        left_ -= needed;
        return {data, n};
    }

private:
    static constexpr int64_t LINE = 16;
    static constexpr int64_t HUGE_PAGE = (int64_t(2) << 20) / sizeof(float);
    struct Free {
        std::align_val_t alignment;
        void operator()(float* p) const { ::operator delete[](p, alignment); }
    };

    // A piece of whole pages of that many floats.
    void add_piece(int64_t needed, int64_t page) {
        const int64_t n = (needed + page - 1) / page * page;
        const size_t bytes = size_t(n) * sizeof(float);
        const std::align_val_t alignment{size_t(page) * sizeof(float)};
        next_ = static_cast<float*>(::operator new[](bytes, alignment));
        pieces_.emplace_back(next_, Free{alignment});
        left_ = n;
#if defined(__linux__)
        if (page == HUGE_PAGE) madvise(next_, bytes, MADV_HUGEPAGE);
#endif
        std::memset(next_, 0, bytes);
    }

    std::vector<std::unique_ptr<float[], Free>> pieces_;
    float* next_ = nullptr;
    int64_t left_ = 0;
};

}  // namespace treadle
