// An array of floats for the kernels: aligned to a cache line, zero at first.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace treadle {

class Buffer {
public:
    Buffer() = default;

    // `stagger` cache lines are left out at the start, so that arrays which are walked through together do not all
    // begin at the same place of a page.
    explicit Buffer(int64_t n, int stagger = 0) : n_(n) {
        const int64_t before = 16 * stagger;
        memory_.reset(static_cast<float*>(::operator new[](size_t(n + before) * sizeof(float), ALIGNMENT)));
        std::memset(memory_.get(), 0, size_t(n + before) * sizeof(float));
        data_ = memory_.get() + before;
    }

    float* data() const { return data_; }
    int64_t size() const { return n_; }

private:
    static constexpr std::align_val_t ALIGNMENT{64};
    struct Free {
        void operator()(float* p) const { ::operator delete[](p, ALIGNMENT); }
    };
    std::unique_ptr<float[], Free> memory_;
    float* data_ = nullptr;
    int64_t n_ = 0;
};

}  // namespace treadle
