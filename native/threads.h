// A team of threads that works through phases, and goes on where a thread is kept from its processor.
//
// A phase consists of units of work, each in one thread's share; the next phase begins when all units are done. A
// thread takes the units of its own share, whose memory its caches hold, and then those that others have not begun. So
// a thread that the system suspends between two units, because other programs want the processor too, holds nobody up.
// Which thread does a unit must not change the result.
//
// The caller's thread does what nobody else has begun, and waits for units that others are at, never for a thread to
// begin or to end. So a thread more costs a call no turn of a processor that another program has.
#pragma once

#include <cstdint>
#include <functional>

namespace treadle {

// The most units of one owner's share of a phase.
constexpr int64_t LARGEST_SHARE = (int64_t(1) << 20) - 1;

// Runs phases until there are none left.
//
// `next` is called between phases, by one thread at a time: it returns how many units the next phase has in each
// thread's share, LARGEST_SHARE at most, or null at the end. `work(owner, k, thread)` does unit k of that owner's share
// on that thread; it throws nothing. The caller's thread is thread 0. Subnormal numbers are flushed to zero in all of
// them meanwhile; the caller's is left as it was. Several threads may call at once, and a process that was forked
// meanwhile as well. Throws std::system_error, nothing done, where so many threads cannot be had.
void run_phases(int threads, const std::function<const int64_t*()>& next,
                const std::function<void(int owner, int64_t k, int thread)>& work);

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

    int64_t size() const { return end - begin; }
};
inline Share share(int64_t n, int64_t t, int64_t threads) { return {n * t / threads, n * (t + 1) / threads}; }

}  // namespace treadle
