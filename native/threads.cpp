#include "threads.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
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

// A share of a phase in one word, so that it is claimed in one operation and never with another phase's numbers: 24 bits
// of the phase's number, 20 of the share's end, 20 of the next unit.
struct Cursor {
    static constexpr int BITS = 20;
    static constexpr uint64_t MASK = (uint64_t(1) << BITS) - 1;

    uint64_t word;

    Cursor(uint64_t phase, int64_t units) : word(phase << (2 * BITS) | uint64_t(units) << BITS) {}
    explicit Cursor(uint64_t word) : word(word) {}
    bool is_of(uint64_t phase) const { return word >> (2 * BITS) == (phase << (2 * BITS)) >> (2 * BITS); }
    int64_t next() const { return int64_t(word & MASK); }
    int64_t end() const { return int64_t(word >> BITS & MASK); }
};

class Phases {
public:
    Phases(int threads, const std::function<const int64_t*()>& next,
           const std::function<void(int, int64_t, int)>& work)
        : threads_(threads), next_(next), work_(work), shares_(new Share[size_t(threads)]) {}

    // Opens the first phase.
    void begin() { open_next(); }

    // Lets all threads go home; instead of begin().
    void abandon() { publish(OVER); }

    void take_part(int t) {
        for (uint64_t seen = 0;;) {
            const uint64_t phase = wait_for_another(seen);
            if (phase == OVER) return;
            for (int i = 0; i < threads_; ++i) empty_share((t + i) % threads_, phase, t);
            seen = phase;
        }
    }

private:
    static constexpr uint64_t OVER = ~uint64_t(0);

    struct alignas(64) Share {
        std::atomic<uint64_t> cursor{0};
    };

    void empty_share(int owner, uint64_t phase, int t) {
        std::atomic<uint64_t>& cursor = shares_[size_t(owner)].cursor;
        uint64_t word = cursor.load(std::memory_order_acquire);
        for (;;) {
            const Cursor now(word);
            if (!now.is_of(phase) || now.next() == now.end()) return;
            if (!cursor.compare_exchange_weak(word, word + 1, std::memory_order_acquire)) continue;
            work_(owner, now.next(), t);
            if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) return open_next();
            word = cursor.load(std::memory_order_acquire);
        }
    }

    // Called by the thread that did the last unit of a phase: all the others are at most waiting.
    void open_next() {
        int64_t units = 0;
        const int64_t* counts = nullptr;
        while (units == 0) {  // a phase may be empty
            counts = next_();
            if (!counts) return publish(OVER);
            for (int t = 0; t < threads_; ++t) units += counts[t];
        }
        const uint64_t phase = phase_.load(std::memory_order_relaxed) + 1;
        left_.store(units, std::memory_order_relaxed);
        for (int t = 0; t < threads_; ++t)
            shares_[size_t(t)].cursor.store(Cursor(phase, counts[t]).word, std::memory_order_release);
        publish(phase);
    }

    void publish(uint64_t phase) {
        phase_.store(phase, std::memory_order_release);
        phase_.notify_all();
    }

    // Spins as long as a balanced phase makes a thread wait, and then sleeps.
    uint64_t wait_for_another(uint64_t seen) const {
        for (int i = 0;; ++i) {
            const uint64_t phase = phase_.load(std::memory_order_acquire);
            if (phase != seen) return phase;
            if (i < SPINS) {
                pause();
            } else {
                phase_.wait(seen, std::memory_order_acquire);
            }
        }
    }

    const int threads_;
    const std::function<const int64_t*()>& next_;
    const std::function<void(int, int64_t, int)>& work_;
    const std::unique_ptr<Share[]> shares_;
    alignas(64) std::atomic<int64_t> left_{0};
    alignas(64) std::atomic<uint64_t> phase_{0};
};

// Where the system began a thread on the processor of the one that made it, it would wait there for milliseconds, an
// idle processor beside it. So it is sent away once, and may run anywhere again at once.
void send_to_another_processor([[maybe_unused]] std::thread& thread) {
#if defined(__linux__)
    cpu_set_t usable, others;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return;  // more processors than such a set holds
    others = usable;
    const int own = sched_getcpu();
    if (own >= 0) CPU_CLR(own, &others);
    if (CPU_COUNT(&others) == 0) return;
    pthread_setaffinity_np(thread.native_handle(), sizeof others, &others);
    pthread_setaffinity_np(thread.native_handle(), sizeof usable, &usable);
#endif
}

}  // namespace

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

void run_phases(int threads, const std::function<const int64_t*()>& next,
                const std::function<void(int owner, int64_t k, int thread)>& work) {
    Phases phases(threads, next, work);
    std::vector<std::thread> team;
    try {
        for (int t = 1; t < threads; ++t) {
            team.emplace_back([&phases, t] {
                const FlushSubnormals flush;
                phases.take_part(t);
            });
            send_to_another_processor(team.back());
        }
    } catch (...) {
        phases.abandon();
        for (std::thread& thread : team) thread.join();
        throw;
    }
    {
        const FlushSubnormals flush;
        phases.begin();
        phases.take_part(0);
    }
    for (std::thread& thread : team) thread.join();
}

}  // namespace treadle
