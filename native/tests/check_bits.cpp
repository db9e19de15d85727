// check_bits [--record] [TABLE ...]: whole trainings with every option, on every table of kernels in float32 that this
// processor runs, or on those named, against the recorded bits; without Python.
//
// It tells of each table in a line and returns 1 where bits differ or a table that was named cannot run. With --record
// it prints the bits of the first table as training/recorded_hashes.h has them.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "kernels/dispatch.h"
#include "training/recorded_bits.h"

namespace treadle {

namespace {

bool check_table(const Kernels<float>& table) {
    const auto& options = recorded_bits();
    size_t same = 0;
    for (size_t i = 0; i < options.size(); ++i) {
        const uint64_t here = bits_here(i, table);
        if (here == options[i].recorded)
            ++same;
        else
            std::printf("%s: %s gives 0x%016" PRIx64 ", recorded is 0x%016" PRIx64 "\n", table.name,
                        options[i].option.c_str(), here, options[i].recorded);
    }
    std::printf("%s: the recorded bits with %zu of %zu options\n", table.name, same, options.size());
    return same == options.size();
}

void record(const Kernels<float>& table) {
    std::printf(
        "// What recorded_bits.cpp is held against: written by native/tests/check_bits --record.\n"
        "#pragma once\n\n#include <cstdint>\n\nnamespace treadle {\n\n"
        "constexpr struct {\n    const char* option;\n    uint64_t bits;\n} RECORDED[] = {\n");
    const auto& options = recorded_bits();
    for (size_t i = 0; i < options.size(); ++i)
        std::printf("    {\"%s\", 0x%016" PRIx64 "u},\n", options[i].option.c_str(), bits_here(i, table));
    std::printf("};\n\n}  // namespace treadle\n");
}

int check_tables(const std::vector<std::string>& wanted) {
    std::vector<const Kernels<float>*> tables = available_kernels<float>();
#if defined(TREADLE_AVX512_IN_HALVES)
    tables.insert(tables.begin(), kernels_avx512<float>());  // which any processor with AVX2 runs
#endif
    if (wanted == std::vector<std::string>{"--record"}) {
        record(*tables.front());
        return 0;
    }
    bool good = true;
    for (const std::string& name : wanted) {
        const auto named = [&](const Kernels<float>* table) { return table->name == name; };
        if (std::none_of(tables.begin(), tables.end(), named)) {
            std::printf("%s: not compiled in, or not for this processor\n", name.c_str());
            good = false;
        }
    }
    for (const Kernels<float>* table : tables) {
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), table->name) != wanted.end())
            good = check_table(*table) && good;
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace treadle

int main(int n, char** words) { return treadle::check_tables(std::vector<std::string>(words + 1, words + n)); }
