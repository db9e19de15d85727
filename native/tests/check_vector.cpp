// check_vector: what vector.h makes of the instructions that this file is compiled for, against the C library's fma and
// against what every processor is to give; without Python.
//
// fma(a, b, c) of floats, by the vectors and by fused.h, on numbers drawn at random and on those where two roundings go
// wrong: sums at and beside the middle of two neighbours, results among the subnormal numbers and at the largest,
// infinities, NaN, both zeros. Then maximum and minimum with NaN and zeros. It returns 1 where one is wrong, and where
// plain a * b + c, which is wrong, would not be found to be.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <limits>
#include <type_traits>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "comparison.h"
#include "kernels/vector.h"
#include "threads.h"

namespace treadle {

namespace {

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <typename T>
bool agree(T got, T expected) {
    return std::isnan(expected) ? std::isnan(got) : std::bit_cast<Bits<T>>(got) == std::bit_cast<Bits<T>>(expected);
}

// Numbers of which every exponent, few bits and many, and every special one are likely.
template <typename T>
class Hard {
    using Limits = std::numeric_limits<T>;
    Random& random_;

public:
    explicit Hard(Random& random) : random_(random) {}

    T special() {
        const T least = Limits::denorm_min(), normal = Limits::min(), most = Limits::max();
        const T all[] = {0,
                         1,
                         least,
                         normal,
                         normal - least,
                         normal + least,
                         most,
                         Limits::infinity(),
                         Limits::quiet_NaN(),
                         Limits::epsilon(),
                         1 + Limits::epsilon(),
                         3,
                         T(0.1)};
        const T x = all[random_.integer(0, std::size(all) - 1)];
        return random_.coin() ? -x : x;
    }

    // From 2^low to 2^high, with a few of its bits or all.
    T number(int low, int high) {
        const int digits = Limits::digits, kept = int(random_.coin() ? digits : random_.integer(1, digits));
        const T fraction = std::ldexp(T(random_.bits() >> (64 - digits)), -digits);
        const T cut = std::ldexp(std::floor(std::ldexp(fraction, kept)), -kept);
        const T x = std::ldexp(1 + cut, int(random_.integer(low, high)));
        return random_.coin() ? -x : x;
    }

    void draw(T& a, T& b, T& c) {
        constexpr int digits = Limits::digits, least = Limits::min_exponent, most = Limits::max_exponent;
        switch (random_.integer(0, 5)) {
            case 0:  // any
                a = number(least, most - 1), b = number(least, most - 1), c = number(least, most - 1);
                break;
            case 1:  // near one another
                a = number(-2, 2), b = number(-2, 2), c = number(-digits, digits);
                break;
            case 2: {  // a product near the middle of c and its neighbour, to a few bits beyond
                c = number(-20, 20);
                const int half = std::ilogb(c) - digits, up = int(random_.integer(0, half));
                a = std::ldexp(T(1), half / 2 + up), b = std::ldexp(T(1), half - half / 2 - up);
                if (random_.coin()) a = std::nextafter(a, T(random_.integer(-1, 1) * 4));
                if (random_.coin()) b = std::nextafter(b, T(random_.integer(-1, 1) * 4));
                if (random_.coin()) a = -a;
                break;
            }
            case 3: {  // a result among the subnormal numbers
                const int part = int(random_.integer(least + 1, 0));
                a = number(part, part), b = number(least - 3 - part, least + 1 - part);
                c = random_.coin() ? T(0) : number(least - 1, least + 1);
                break;
            }
            case 4: {  // cancellation
                a = number(-10, 10), b = number(-10, 10);
                c = -a * b;
                if (random_.coin()) c = std::nextafter(c, T(random_.integer(-1, 1) * 4));
                break;
            }
            case 5: a = special(), b = special(), c = special(); break;
        }
    }
};

struct Tally {
    const char* name;
    int64_t compared = 0, wrong = 0;

    template <typename T>
    void add(T a, T b, T c, T got, T expected) {
        ++compared;
        if (agree(got, expected)) return;
        if (wrong++ == 0)
            std::printf("%s: fma(%a, %a, %a) is %a, and not %a\n", name, double(a), double(b), double(c), double(got),
                        double(expected));
    }
};

// Whether vectors and fused.h are right, and plain arithmetic is not.
bool check_fma(int64_t trials) {
    Random random(3);
    Hard<float> hard(random);
    Tally vectors{"vector"}, floats{"fused float"};
    int64_t plain = 0;
    for (int64_t trial = 0; trial < trials; ++trial) {
        vec a, b, c;
        for (int lane = 0; lane < LANES; ++lane) {
            float x, y, z;
            hard.draw(x, y, z);
            a[lane] = x, b[lane] = y, c[lane] = z;
        }
        const vec got = fma(a, b, c);
        for (int lane = 0; lane < LANES; ++lane) {
            const float x = a[lane], y = b[lane], z = c[lane], expected = std::fma(x, y, z);
            vectors.add(x, y, z, float(got[lane]), expected);
            floats.add(x, y, z, fused(x, y, z), expected);
            plain += !agree(x * y + z, expected);
        }
    }
    std::printf("fma: %lld vectors of %d, %lld wrong; of fused.h %lld; of a * b + c %lld\n", (long long)trials, LANES,
                (long long)vectors.wrong, (long long)floats.wrong, (long long)plain);
    return vectors.wrong + floats.wrong == 0 && plain > trials / 100;
}

#if defined(__x86_64__)
// With subnormal numbers flushed, as in training: what the processor's own instruction gives.
__attribute__((target("fma"))) float of_the_processor(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

bool check_flushed(int64_t trials) {
    unsigned a, b, c = 0, d;
    __get_cpuid(1, &a, &b, &c, &d);
    if (!(c & bit_FMA) || !(c & bit_OSXSAVE)) return true;
    Random random(4);
    Hard<float> hard(random);
    Tally vectors{"vector, flushed"}, floats{"fused float, flushed"};
    for (int64_t trial = 0; trial < trials; ++trial) {
        float x, y, z;
        hard.draw(x, y, z);
        const FlushSubnormals flush;
        const float expected = of_the_processor(x, y, z);
        vectors.add(x, y, z, float(fma(all(x), all(y), all(z))[LANES - 1]), expected);
        floats.add(x, y, z, fused(x, y, z), expected);
    }
    std::printf("fma, flushed: %lld, %lld wrong; of fused.h %lld\n", (long long)trials, (long long)vectors.wrong,
                (long long)floats.wrong);
    return vectors.wrong + floats.wrong == 0;
}
#else
bool check_flushed(int64_t) { return true; }
#endif

// The second operand where either is NaN, and where both are zeros.
bool check_order() {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const struct {
        float a, b, larger, smaller;
    } cases[] = {{1, 2, 2, 1},
                 {2, 1, 2, 1},
                 {nan, 1, 1, 1},
                 {1, nan, nan, nan},
                 {0.0f, -0.0f, -0.0f, -0.0f},
                 {-0.0f, 0.0f, 0.0f, 0.0f},
                 {nan, nan, nan, nan}};
    int wrong = 0;
    for (const auto& [a, b, larger, smaller] : cases) {
        wrong += !agree(float(maximum(all(a), all(b))[0]), larger);
        wrong += !agree(float(minimum(all(a), all(b))[0]), smaller);
    }
    std::printf("maximum and minimum: %d wrong\n", wrong);
    return wrong == 0;
}

}  // namespace
}  // namespace treadle

int main() {
    constexpr int64_t TRIALS = 2'000'000;
    const bool fma = treadle::check_fma(TRIALS), flushed = treadle::check_flushed(TRIALS);
    return treadle::check_order() && fma && flushed ? 0 : 1;
}
