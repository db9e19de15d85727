#include "threads.h"

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
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

// A share of a phase in one word, so that it is claimed in one operation and never with another phase's numbers: the
// lowest 24 bits of the phase's number, 20 of the share's end, 20 of the next unit. A share of more units would change
// the phase's number, and nobody would do it. Phases may be more than 2^24: all cursors are set anew for each, so that
// none is of the phase so many before, and a thread that still has that one's number claims units of the phase at hand.
struct Cursor {
    static constexpr int BITS = 20;
    static constexpr uint64_t MASK = (uint64_t(1) << BITS) - 1;
    static_assert(LARGEST_SHARE == int64_t(MASK), "a share's units are counted in 20 bits");
    static_assert(64 - 2 * BITS == 24, "and the phase has the rest");

    uint64_t word;

    Cursor(uint64_t phase, int64_t units) : word(phase << (2 * BITS) | uint64_t(units) << BITS) {
        assert(0 <= units && units <= LARGEST_SHARE && "a share has at most 2^20 - 1 units: split the phase");
    }
    explicit Cursor(uint64_t word) : word(word) {}
    bool is_of(uint64_t phase) const { return word >> (2 * BITS) == (phase << (2 * BITS)) >> (2 * BITS); }
    int64_t next() const { return int64_t(word & MASK); }
    int64_t end() const { return int64_t(word >> BITS & MASK); }
};

// Of one call of run_phases. Once it is over, a thread that still takes part reads nothing but what is in here: the
// call does not wait for it, and whoever leaves last destroys this.
class Phases {
public:
    Phases(int threads, const std::function<const int64_t*()>& next, const std::function<void(int, int64_t, int)>& work)
        : threads_(threads), next_(next), work_(work), shares_(new Share[size_t(threads)]) {}

    // Opens the first phase.
    void begin() { open_next(); }

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

// A thread that takes part in the phases it is given, one call's after another's, and sleeps in between. It lives as
// long as the process: to begin and to end a thread for each call takes tens of microseconds, and where other programs
// want the processor, each of the two waits for a turn of some milliseconds.
class Worker {
public:
    Worker() {
        std::thread thread([this] { work(); });
        handle_ = thread.native_handle();
#if defined(__linux__)
        pthread_setname_np(handle_, "treadle");
#endif
        thread.detach();
    }

    // Has it take part as thread t, as soon as it has left what it was given before.
    void give(const std::shared_ptr<Phases>& phases, int t) {
        {
            const std::lock_guard lock(mutex_);
            phases_ = phases;
            t_ = t;
        }
        wake_elsewhere();
    }

    // Takes back what it has not begun, if that is still there.
    void take_back() {
        const std::lock_guard lock(mutex_);
        phases_.reset();
    }

private:
    void work() {
        const FlushSubnormals flush;
        std::unique_lock lock(mutex_);
        for (;;) {
            given_.wait(lock, [this] { return phases_ != nullptr; });
            const std::shared_ptr<Phases> phases = std::move(phases_);
            const int t = t_;
            lock.unlock();
            phases->take_part(t);
            lock.lock();
        }
    }

    // Where the system woke it on the caller's processor, it would wait there for milliseconds, an idle processor
    // beside it. So it wakes on another one, and may at once run anywhere that the caller may.
    void wake_elsewhere() {
#if defined(__linux__)
        cpu_set_t usable, others;
        if (sched_getaffinity(0, sizeof usable, &usable) == 0) {  // else: more processors than such a set holds
            others = usable;
            const int own = sched_getcpu();
            if (own >= 0) CPU_CLR(own, &others);
            if (CPU_COUNT(&others) > 0) pthread_setaffinity_np(handle_, sizeof others, &others);
            given_.notify_one();
            pthread_setaffinity_np(handle_, sizeof usable, &usable);
            return;
        }
#endif
        given_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable given_;
    std::shared_ptr<Phases> phases_;
    int t_ = 0;
    std::thread::native_handle_type handle_;
};

// The workers that no call has.
class Workers {
public:
    // Throws std::system_error where so many cannot be had. The same ones, and in the same order, as were given back
    // last, where there are as many: their processors' caches hold their shares.
    std::vector<Worker*> take(size_t n) {
        const std::lock_guard lock(mutex_);
        while (idle_.size() < n) {
            idle_.reserve(idle_.size() + 1);
            idle_.insert(idle_.begin(), new Worker);
        }
        const std::vector<Worker*> taken(idle_.end() - ptrdiff_t(n), idle_.end());
        idle_.resize(idle_.size() - n);
        return taken;
    }

    void give_back(const std::vector<Worker*>& workers) {
        const std::lock_guard lock(mutex_);
        idle_.insert(idle_.end(), workers.begin(), workers.end());
    }

private:
    std::mutex mutex_;
    std::vector<Worker*> idle_;
};

// Those of this process: a child that it forks, which no process of Windows does, has none of its threads, and begins
// with no workers. Never destroyed, since threads sleep in it until the process ends.
Workers& workers() {
    static Workers* of_process = new Workers;
#if !defined(_WIN32)
    static const int error = pthread_atfork(nullptr, nullptr, [] { of_process = new Workers; });
    if (error != 0) throw std::system_error(error, std::generic_category());
#endif
    return *of_process;
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
    const auto phases = std::make_shared<Phases>(threads, next, work);
    const std::vector<Worker*> team = workers().take(size_t(threads - 1));
    {
        const FlushSubnormals flush;
        phases->begin();
        for (int t = 1; t < threads; ++t) team[size_t(t - 1)]->give(phases, t);
        phases->take_part(0);
    }
    // All is done. Who has not begun need not, and who is about to leave is not waited for: other programs may have the
    // processors of both.
    for (Worker* worker : team) worker->take_back();
    workers().give_back(team);
}

}  // namespace treadle
