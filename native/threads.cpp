#include "threads.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace treadle {

namespace {

constexpr int SPINS = 4000;  // some 20 to 60 microseconds

void pause() {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void Barrier::wait() {
    if (threads_ == 1) return;
    const uint32_t round = round_.load(std::memory_order_relaxed);
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        missing_.store(threads_, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
        round_.notify_all();
        return;
    }
    for (int i = 0; i < SPINS; ++i) {
        if (round_.load(std::memory_order_acquire) != round) return;
        pause();
    }
    while (round_.load(std::memory_order_acquire) == round) round_.wait(round, std::memory_order_acquire);
}

FlushSubnormals::FlushSubnormals() {
#if defined(__SSE2__)
    before_ = _mm_getcsr();
    _mm_setcsr(uint32_t(before_) | 0x8040);  // flush to zero, subnormals are zero
#elif defined(__aarch64__)
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (uint64_t(1) << 24)));
#endif
}

FlushSubnormals::~FlushSubnormals() {
#if defined(__SSE2__)
    _mm_setcsr(uint32_t(before_));
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(before_));
#endif
}

void run_team(int threads, const std::function<void(int)>& work) {
    const FlushSubnormals flush;
    if (threads == 1) return work(0);
    std::mutex mutex;
    std::exception_ptr error;
    std::vector<std::thread> team;
    const auto run = [&](int t) {
        const FlushSubnormals flush_here;
        try {
            work(t);
        } catch (...) {
            const std::lock_guard lock(mutex);
            error = std::current_exception();
        }
    };
    for (int t = 1; t < threads; ++t) team.emplace_back(run, t);
    run(0);
    for (std::thread& thread : team) thread.join();
    if (error) std::rethrow_exception(error);
}

}  // namespace treadle
