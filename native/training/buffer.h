// Arrays of numbers for the kernels, aligned to a cache line and zero at first, out of a few large pieces of memory, or
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
template <typename Real>
class Buffer {
public:
    Buffer() = default;
    Buffer(Real* data, int64_t n) : data_(data), n_(n) {}

    Real* data() const { return data_; }
    int64_t size() const { return n_; }

private:
    Real* data_ = nullptr;
    int64_t n_ = 0;
};

template <typename Real>
class Arena {
public:
    static constexpr int64_t LINE = 64 / sizeof(Real);  // numbers of a cache line

    Arena() = default;

    // For arrays of so many numbers together, of which a cache line more each is given; more may be asked for.
    explicit Arena(int64_t n) {
        if (n < HUGE_PAGE / 4) add_piece(n, LINE);
    }

    // `stagger` cache lines are left out first, so that arrays which are walked through together do not all begin at
    // the same place of a page.
    Buffer<Real> numbers(int64_t n, int stagger = 0) {
        const int64_t needed = (n + LINE - 1) / LINE * LINE + LINE * stagger;
        if (needed > left_) add_piece(needed, HUGE_PAGE);
        Real* data = next_ + LINE * stagger;
        next_ += needed;
        left_ -= needed;
        return {data, n};
    }

private:
    static constexpr int64_t HUGE_PAGE = (int64_t(2) << 20) / sizeof(Real);
    struct Free {
        std::align_val_t alignment;
        void operator()(Real* p) const { ::operator delete[](p, alignment); }
    };

    // A piece of whole pages of that many numbers.
    void add_piece(int64_t needed, int64_t page) {
        const int64_t n = (needed + page - 1) / page * page;
        const size_t bytes = size_t(n) * sizeof(Real);
        const std::align_val_t alignment{size_t(page) * sizeof(Real)};
        next_ = static_cast<Real*>(::operator new[](bytes, alignment));
        pieces_.emplace_back(next_, Free{alignment});
        left_ = n;
#if defined(__linux__)
        if (page == HUGE_PAGE) madvise(next_, bytes, MADV_HUGEPAGE);
#endif
        std::memset(next_, 0, bytes);
    }

    std::vector<std::unique_ptr<Real[], Free>> pieces_;
    Real* next_ = nullptr;
    int64_t left_ = 0;
};

}  // namespace treadle
