#include "dispatch.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace treadle {

// Kernels that this build has no file of.
#if !defined(TREADLE_HAS_AVX2)
const Kernels* const kernels_avx2 = nullptr;
#endif
#if !defined(TREADLE_HAS_AVX512)
const Kernels* const kernels_avx512 = nullptr;
#endif
#if !defined(TREADLE_HAS_NEON)
const Kernels* const kernels_neon = nullptr;
#endif

#if defined(__x86_64__)

namespace {

struct Registers {
    uint32_t a = 0, b = 0, c = 0, d = 0;
};

// All zero where the processor does not know the leaf.
Registers cpuid(uint32_t leaf, uint32_t subleaf) {
    Registers r;
    __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
    return r;
}

// The registers that the operating system saves when it switches threads: XCR0.
uint64_t saved_registers() {
    if (!(cpuid(1, 0).c >> 27 & 1)) return 0;  // OSXSAVE: xgetbv may be used
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t(high) << 32 | low;
}

}  // namespace

std::vector<std::string> processor_features() {
    constexpr uint64_t YMM = 0x6, ZMM = 0xe6, TILES = 0x60000;
    const uint64_t saved = saved_registers();
    const Registers basic = cpuid(1, 0), extended = cpuid(7, 0), extended_1 = cpuid(7, 1);
    const struct {
        const char* name;
        uint32_t bits;
        int bit;
        uint64_t needs;
    } known[] = {
        {"avx2", extended.b, 5, YMM},          {"fma", basic.c, 12, YMM},
        {"f16c", basic.c, 29, YMM},            {"avx512f", extended.b, 16, ZMM},
        {"avx512bw", extended.b, 30, ZMM},     {"avx512dq", extended.b, 17, ZMM},
        {"avx512vl", extended.b, 31, ZMM},     {"avx512_bf16", extended_1.a, 5, ZMM},
        {"amx_tile", extended.d, 24, TILES},   {"amx_bf16", extended.d, 22, TILES},
    };
    std::vector<std::string> features;
    for (const auto& feature : known) {
        if ((feature.bits >> feature.bit & 1) && (saved & feature.needs) == feature.needs) {
            features.emplace_back(feature.name);
        }
    }
    return features;
}

#elif defined(__aarch64__)

std::vector<std::string> processor_features() { return {"asimd"}; }  // part of every such processor

#else

std::vector<std::string> processor_features() { return {}; }

#endif

namespace {

std::vector<const Kernels*> find_kernels() {
    const std::vector<std::string> features = processor_features();
    const auto has = [&](const char* name) {
        return std::find(features.begin(), features.end(), name) != features.end();
    };
    std::vector<const Kernels*> found;
    const auto add = [&](const Kernels* kernels, std::initializer_list<const char*> needed) {
        if (kernels && std::all_of(needed.begin(), needed.end(), has)) found.push_back(kernels);
    };
    add(kernels_avx512, {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"});
    add(kernels_avx2, {"avx2", "fma", "f16c"});
    add(kernels_neon, {"asimd"});
    add(kernels_portable, {});
    return found;
}

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
    static const std::vector<const Kernels*> available = find_kernels();
    return available;
}

}  // namespace treadle
