// A team of threads that work through the same phases, and the barrier between two phases.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace treadle {

// Threads wait here for the last one. They spin for some microseconds, which is as long as a balanced phase makes
// them wait, and then sleep until woken: where the processor is shared with other work, the thread that is waited for
// gets it.
class Barrier {
public:
    explicit Barrier(int threads) : threads_(threads), missing_(threads) {}

    void wait();

private:
    const int threads_;
    alignas(64) std::atomic<int> missing_;
    alignas(64) std::atomic<uint32_t> round_{0};
};

// Runs work(t) for t = 0 .. threads - 1, the first on the caller's thread and each of the others on one of its own,
// and returns when all have. Subnormal numbers are flushed to zero meanwhile, and the caller's thread is left as it
// was. `work` throws nothing. Throws std::system_error, nothing done, where so many threads cannot be had.
void run_team(int threads, const std::function<void(int)>& work);

// Subnormal numbers are flushed to zero in this thread for as long as this lives.
class FlushSubnormals {
public:
    FlushSubnormals();
    ~FlushSubnormals();
    FlushSubnormals(const FlushSubnormals&) = delete;
    FlushSubnormals& operator=(const FlushSubnormals&) = delete;

private:
    uint64_t before_;
};

// The part of `n` things that thread t of `threads` takes: [begin, end), contiguous, sizes at most one apart.
struct Share {
    int64_t begin, end;
};
inline Share share(int64_t n, int t, int threads) { return {n * t / threads, n * (t + 1) / threads}; }

}  // namespace treadle
