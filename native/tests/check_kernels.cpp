// check_kernels [TABLE ...]: every function of every table of kernels that this processor runs, or of those named,
// against plain loops in double precision on shapes drawn at random, without Python.
//
// It tells of each table in a line and returns 1 where a result is wrong or a table that was named cannot run. To show
// that it would see an error, it also plants one in each function, 1 part in 2000 of the first number that the function
// writes or adds to, or a row too many, and returns 1 where the check of that function finds no more wrong than before.
#include <algorithm>
#include <cstdio>
#include <string>
#include <type_traits>

#include "kernels/dispatch.h"
#include "kernels/l1_kernels.h"
#include "checks.h"

namespace treadle {

namespace {

const Kernels* right;  // the table that an error is planted in a copy of

// True for what a function writes to.
bool spoil(float* p) {
    *p += 0.0005f * std::max(1.0f, std::abs(*p));
    return true;
}
bool spoil(double* p) {
    *p += 0.0005 * std::max(1.0, std::abs(*p));
    return true;
}
bool spoil(ScreenSums& sums) {  // a row too many
    sums.rows.push_back(-1);
    return true;
}
bool spoil(const Operands& operands) { return spoil(static_cast<float*>(operands.backward)); }
bool spoil(const Trained& trained) { return spoil(trained.value) && (!trained.first || spoil(trained.first)); }
template <typename Given>
bool spoil(const Given&) {
    return false;
}

template <typename Table>
const Table& right_table() {
    if constexpr (std::is_same_v<Table, L1Kernels>)
        return *right->l1;
    else
        return *right;
}

template <typename>
struct Spoiled;
template <typename Table, typename... Arguments>
struct Spoiled<void (*Table::*)(Arguments...)> {
    template <auto FUNCTION>
    static void call(Arguments... arguments) {
        (right_table<Table>().*FUNCTION)(arguments...);
        (void)(spoil(arguments) || ...);
    }
};

// False where the table has no such function.
template <auto FUNCTION>
bool plant(Kernels& table) {
    if (!(table.*FUNCTION)) return false;
    table.*FUNCTION = Spoiled<decltype(FUNCTION)>::template call<FUNCTION>;
    return true;
}

template <auto FUNCTION>
bool plant_in_l1(Kernels& table) {
    static L1Kernels spoiled;
    spoiled = *table.l1;
    spoiled.*FUNCTION = Spoiled<decltype(FUNCTION)>::template call<FUNCTION>;
    table.l1 = &spoiled;
    return true;
}

const struct {
    const char* name;
    Check check;
    bool (*plant)(Kernels&);  // null for what is no function of the table
} CHECKS[] = {
    {"gather", check_gather, plant<&Kernels::gather>},
    {"round_rows", check_multiply, plant<&Kernels::round_rows>},
    {"multiply", check_multiply, plant<&Kernels::multiply>},
    {"update_weights", check_update_weights, plant<&Kernels::update_weights>},
    {"update_biases", check_update_biases, plant<&Kernels::update_biases>},
    {"update_columns", check_update_columns, plant<&Kernels::update_columns>},
    {"write_operands", check_write_operands, plant<&Kernels::write_operands>},
    {"activate", check_activate, plant<&Kernels::activate>},
    {"activate_backward", check_activate_backward, plant<&Kernels::activate_backward>},
    {"multiply_elements", check_multiply_elements, plant<&Kernels::multiply_elements>},
    {"normalise", check_normalise, plant<&Kernels::normalise>},
    {"normalise_backward", check_normalise_backward, plant<&Kernels::normalise_backward>},
    {"loss", check_loss, plant<&Kernels::loss>},
    {"softmax", check_softmax, plant<&Kernels::softmax>},
    {"multiply_row", check_multiply_row, plant<&Kernels::multiply_row>},
    {"l1 normal", check_l1_normal, plant_in_l1<&L1Kernels::normal>},
    {"l1 predict", check_l1_predict, plant_in_l1<&L1Kernels::predict>},
    {"l1 correct", check_l1_correct, plant_in_l1<&L1Kernels::correct>},
    {"l1 step", check_l1_step, plant_in_l1<&L1Kernels::step>},
    {"l1 screen", check_l1_screen, plant_in_l1<&L1Kernels::screen>},
    {"l1 check", check_l1_check, plant_in_l1<&L1Kernels::check>},
    {"training", check_training, nullptr},
    {"predict", check_predict, nullptr},
    {"flush of subnormal numbers", check_flush, nullptr},
    {"phases", check_phases, nullptr},
};

Comparison compare(const Kernels& table, Check check) {
    Comparison comparison;
    Random random(1);
    check(table, random, comparison);
    return comparison;
}

bool check_table(const Kernels& table) {
    int64_t compared = 0, planted = 0, seen = 0;
    bool good = true;
    for (const auto& [name, check, plant] : CHECKS) {
        const Comparison found = compare(table, check);
        compared += found.compared();
        if (found.wrong() > 0) {
            const Comparison::Wrong& first = found.first();
            std::printf("%s: %s is wrong in %lld of %lld numbers, first %.9g for %.9g, more than %.3g away\n",
                        table.name, name, (long long)found.wrong(), (long long)found.compared(), first.got,
                        first.expected, first.tolerance);
            good = false;
        }
        right = &table;
        Kernels spoiled = table;
        if (!plant || !plant(spoiled)) continue;
        ++planted;
        if (compare(spoiled, check).wrong() > found.wrong())
            ++seen;
        else
            std::printf("%s: an error planted in %s is not seen\n", table.name, name);
    }
    std::printf("%s: %s, %lld numbers compared, %lld of %lld planted errors seen\n", table.name,
                good ? "right" : "WRONG", (long long)compared, (long long)seen, (long long)planted);
    return good && seen == planted;
}

int check_tables(const std::vector<std::string>& wanted) {
    std::vector<const Kernels*> tables = available_kernels();
    const auto& more = available_bfloat16_kernels();
    tables.insert(tables.end(), more.begin(), more.end());
#if defined(TREADLE_AVX512_IN_HALVES)
    tables.insert(tables.begin(), kernels_avx512);  // which any processor with AVX2 runs
#endif
    bool good = true;
    for (const std::string& name : wanted) {
        const auto named = [&](const Kernels* table) { return table->name == name; };
        if (std::none_of(tables.begin(), tables.end(), named)) {
            std::printf("%s: not compiled in, or not for this processor\n", name.c_str());
            good = false;
        }
    }
    for (const Kernels* table : tables) {
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), table->name) != wanted.end())
            good = check_table(*table) && good;
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace treadle

int main(int n, char** words) { return treadle::check_tables(std::vector<std::string>(words + 1, words + n)); }
