#include "threads.h"

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
    enum { undecided, start, abandon };
    std::atomic<int> decision{undecided};
    std::vector<std::thread> team;
    const auto decide = [&](int what) {
        decision.store(what);
        decision.notify_all();
    };
    const auto join = [&] {
        for (std::thread& thread : team) thread.join();
    };
    try {
        for (int t = 1; t < threads; ++t) {
            team.emplace_back([&, t] {
                decision.wait(undecided);
                const FlushSubnormals flush;
                if (decision.load() == start) work(t);
            });
        }
    } catch (...) {  // no more threads to be had: none may wait for those that will not come
        decide(abandon);
        join();
        throw;
    }
    decide(start);
    {
        const FlushSubnormals flush;
        work(0);
    }
    join();
}

}  // namespace treadle
