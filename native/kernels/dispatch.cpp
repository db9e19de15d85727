#include "kernels/dispatch.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <type_traits>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace treadle {

// Kernels that this build has no file of.
#if !defined(TREADLE_HAS_AVX2)
template <typename Real>
const Kernels<Real>* kernels_avx2() {
    return nullptr;
}
#endif
#if !defined(TREADLE_HAS_AVX512)
template <typename Real>
const Kernels<Real>* kernels_avx512() {
    return nullptr;
}
#endif
#if !defined(TREADLE_HAS_NEON)
template <typename Real>
const Kernels<Real>* kernels_neon() {
    return nullptr;
}
#endif
#if !defined(TREADLE_HAS_AMX)
const Kernels<float>* const kernels_amx = nullptr;
#endif
#if !defined(TREADLE_HAS_AVX512_BF16)
const Kernels<float>* const kernels_avx512_bf16 = nullptr;
#endif
#if !defined(TREADLE_HAS_EMULATED)
const Kernels<float>* const kernels_emulated = nullptr;
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
        {"avx2", extended.b, 5, YMM},        {"fma", basic.c, 12, YMM},
        {"f16c", basic.c, 29, YMM},          {"avx512f", extended.b, 16, ZMM},
        {"avx512bw", extended.b, 30, ZMM},   {"avx512dq", extended.b, 17, ZMM},
        {"avx512vl", extended.b, 31, ZMM},   {"avx512_bf16", extended_1.a, 5, ZMM},
        {"amx_tile", extended.d, 24, TILES}, {"amx_bf16", extended.d, 22, TILES},
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

bool can_run(std::initializer_list<const char*> needed) {
    static const std::vector<std::string> features = processor_features();
    return std::all_of(needed.begin(), needed.end(), [](const char* name) {
        return std::find(features.begin(), features.end(), name) != features.end();
    });
}

// Whether Linux lets this process use AMX's tiles, which it must be asked for. From then on signals' stacks must have
// room for tiles; where one that is in use has not, Linux refuses.
bool tiles_are_granted() {
#if defined(__x86_64__) && defined(__linux__)
    constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

bool has_avx512() { return can_run({"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"}); }

bool has_avx2() { return can_run({"avx2", "fma", "f16c"}); }

template <typename Real>
std::vector<const Kernels<Real>*> find_kernels() {
    std::vector<const Kernels<Real>*> found;
    if (kernels_avx512<Real>() && has_avx512()) found.push_back(kernels_avx512<Real>());
    if (kernels_avx2<Real>() && has_avx2()) found.push_back(kernels_avx2<Real>());
    if (kernels_neon<Real>() && can_run({"asimd"})) found.push_back(kernels_neon<Real>());
    found.push_back(kernels_portable<Real>());
    return found;
}

std::vector<const Kernels<float>*> find_bfloat16_kernels() {
    std::vector<const Kernels<float>*> found;
    const bool avx512_bf16 = has_avx512() && can_run({"avx512_bf16"});
    if (kernels_amx && avx512_bf16 && can_run({"amx_tile", "amx_bf16"}) && tiles_are_granted())
        found.push_back(kernels_amx);
    if (kernels_avx512_bf16 && avx512_bf16) found.push_back(kernels_avx512_bf16);
#if defined(__x86_64__)
    const bool emulated = has_avx2();
#else
    const bool emulated = true;
#endif
    if (kernels_emulated && emulated) found.push_back(kernels_emulated);
    return found;
}

}  // namespace

template <typename Real>
const std::vector<const Kernels<Real>*>& available_kernels() {
    static const std::vector<const Kernels<Real>*> available = find_kernels<Real>();
    return available;
}

const std::vector<const Kernels<float>*>& available_bfloat16_kernels() {
    static const std::vector<const Kernels<float>*> available = find_bfloat16_kernels();
    return available;
}

template <typename Real>
const Kernels<Real>& kernels_by_name(const std::string& name) {
    for (const Kernels<Real>* kernels : available_kernels<Real>()) {
        if (name == kernels->name) return *kernels;
    }
    if constexpr (std::is_same_v<Real, float>) {
        for (const Kernels<float>* kernels : available_bfloat16_kernels()) {
            if (name == kernels->name) return *kernels;
        }
    }
    throw std::invalid_argument("no such kernels here: " + name);
}

template const std::vector<const Kernels<float>*>& available_kernels();
template const std::vector<const Kernels<double>*>& available_kernels();
template const Kernels<float>& kernels_by_name(const std::string&);
template const Kernels<double>& kernels_by_name(const std::string&);

}  // namespace treadle
