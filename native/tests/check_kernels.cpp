// check_kernels [TABLE ...]: every function of every table of kernels that this processor runs, or of those named,
// against plain loops in double precision on shapes drawn at random, without Python.
//
// It tells of each table in a line and returns 1 where a result is wrong or a table that was named cannot run. To show
// that it would see an error, it also plants one in each function, 4096 roundings of the first number that the function
// writes or adds to, or a row too many, and returns 1 where the check of that function finds no more wrong than before.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>

#include "kernels/dispatch.h"
#include "kernels/l1_kernels.h"
#include "checks.h"

namespace treadle {

namespace {

template <typename Real>
const Kernels<Real>* right;  // the table that an error is planted in a copy of

// True for what a function writes to.
template <typename Real>
bool spoil(Real* p)
    requires(std::is_same_v<Real, float> || std::is_same_v<Real, double>)
{
    *p += 4096 * std::numeric_limits<Real>::epsilon() * std::max(Real(1), std::abs(*p));
    return true;
}
bool spoil(ScreenSums& sums) {  // a row too many
    sums.rows.push_back(-1);
    return true;
}
template <typename Real>
bool spoil(const Trained<Real>& trained) {
    return spoil(trained.value) && (!trained.first || spoil(trained.first));
}
template <typename Given>
bool spoil(const Given&) {
    return false;
}

// Which table has the functions, and what numbers they write.
template <typename>
struct Tables;
template <typename Number>
struct Tables<Kernels<Number>> {
    using Real = Number;
    static const Kernels<Real>& right() { return *treadle::right<Real>; }
};
template <>
struct Tables<L1Kernels> {
    using Real = double;
    static const L1Kernels& right() { return *treadle::right<double>->l1; }
};

template <typename>
struct Spoiled;
template <typename Table, typename... Arguments>
struct Spoiled<void (*Table::*)(Arguments...)> {
    template <typename Given>
    static bool spoil_given(Given& given) {
        if constexpr (std::is_same_v<std::remove_const_t<Given>, Operands>)
            return spoil(static_cast<typename Tables<Table>::Real*>(given.backward));
        else
            return spoil(given);
    }

    template <auto FUNCTION>
    static void call(Arguments... arguments) {
        (Tables<Table>::right().*FUNCTION)(arguments...);
        (void)(spoil_given(arguments) || ...);
    }
};

// False where the table has no such function.
template <auto FUNCTION, typename Real>
bool plant(Kernels<Real>& table) {
    if (!(table.*FUNCTION)) return false;
    table.*FUNCTION = Spoiled<decltype(FUNCTION)>::template call<FUNCTION>;
    return true;
}

template <auto FUNCTION>
bool plant_in_l1(Kernels<double>& table) {
    static L1Kernels spoiled;
    spoiled = *table.l1;
    spoiled.*FUNCTION = Spoiled<decltype(FUNCTION)>::template call<FUNCTION>;
    table.l1 = &spoiled;
    return true;
}

template <typename Real>
struct Checked {
    const char* name;
    Check<Real> check;
    bool (*plant)(Kernels<Real>&);  // null for what is no function of the table
};

template <typename Real>
std::vector<Checked<Real>> checks() {
    std::vector<Checked<Real>> all = {
        {"gather", check_gather<Real>, plant<&Kernels<Real>::gather, Real>},
        {"round_rows", check_multiply<Real>, plant<&Kernels<Real>::round_rows, Real>},
        {"multiply", check_multiply<Real>, plant<&Kernels<Real>::multiply, Real>},
        {"update_weights", check_update_weights<Real>, plant<&Kernels<Real>::update_weights, Real>},
        {"update_biases", check_update_biases<Real>, plant<&Kernels<Real>::update_biases, Real>},
        {"update_columns", check_update_columns<Real>, plant<&Kernels<Real>::update_columns, Real>},
        {"write_operands", check_write_operands<Real>, plant<&Kernels<Real>::write_operands, Real>},
        {"activate", check_activate<Real>, plant<&Kernels<Real>::activate, Real>},
        {"activate_backward", check_activate_backward<Real>, plant<&Kernels<Real>::activate_backward, Real>},
        {"multiply_by_derivatives", check_multiply_by_derivatives<Real>,
         plant<&Kernels<Real>::multiply_by_derivatives, Real>},
        {"combine_cosines", check_combine_cosines<Real>, plant<&Kernels<Real>::combine_cosines, Real>},
        {"combine_cosines_backward", check_combine_cosines_backward<Real>,
         plant<&Kernels<Real>::combine_cosines_backward, Real>},
        {"scale_columns", check_scale_columns<Real>, plant<&Kernels<Real>::scale_columns, Real>},
        {"scale_columns_backward", check_scale_columns_backward<Real>,
         plant<&Kernels<Real>::scale_columns_backward, Real>},
        {"normalise", check_normalise<Real>, plant<&Kernels<Real>::normalise, Real>},
        {"normalise_backward", check_normalise_backward<Real>, plant<&Kernels<Real>::normalise_backward, Real>},
        {"loss", check_loss<Real>, plant<&Kernels<Real>::loss, Real>},
        {"softmax", check_softmax<Real>, plant<&Kernels<Real>::softmax, Real>},
        {"multiply_row", check_multiply_row<Real>, plant<&Kernels<Real>::multiply_row, Real>},
        {"training", check_training<Real>, nullptr},
        {"predict", check_predict<Real>, nullptr},
        {"flush of subnormal numbers", check_flush<Real>, nullptr},
        {"phases", check_phases<Real>, nullptr},
    };
    if constexpr (std::is_same_v<Real, double>) {
        const Checked<double> l1[] = {
            {"l1 normal", check_l1_normal, plant_in_l1<&L1Kernels::normal>},
            {"l1 predict", check_l1_predict, plant_in_l1<&L1Kernels::predict>},
            {"l1 correct", check_l1_correct, plant_in_l1<&L1Kernels::correct>},
            {"l1 step", check_l1_step, plant_in_l1<&L1Kernels::step>},
            {"l1 screen", check_l1_screen, plant_in_l1<&L1Kernels::screen>},
            {"l1 check", check_l1_check, plant_in_l1<&L1Kernels::check>},
        };
        all.insert(all.end(), std::begin(l1), std::end(l1));
    }
    return all;
}

template <typename Real>
Comparison compare(const Kernels<Real>& table, Check<Real> check) {
    Comparison comparison;
    Random random(1);
    check(table, random, comparison);
    return comparison;
}

template <typename Real>
bool check_table(const Kernels<Real>& table) {
    const std::string name = table.name + std::string(std::is_same_v<Real, double> ? " float64" : "");
    int64_t compared = 0, planted = 0, seen = 0;
    bool good = true;
    for (const auto& [function, check, plant] : checks<Real>()) {
        const Comparison found = compare(table, check);
        compared += found.compared();
        if (found.wrong() > 0) {
            const Comparison::Wrong& first = found.first();
            std::printf("%s: %s is wrong in %lld of %lld numbers, first %.17g for %.17g, more than %.3g away\n",
                        name.c_str(), function, (long long)found.wrong(), (long long)found.compared(), first.got,
                        first.expected, first.tolerance);
            good = false;
        }
        right<Real> = &table;
        Kernels<Real> spoiled = table;
        if (!plant || !plant(spoiled)) continue;
        ++planted;
        if (compare(spoiled, check).wrong() > found.wrong())
            ++seen;
        else
            std::printf("%s: an error planted in %s is not seen\n", name.c_str(), function);
    }
    std::printf("%s: %s, %lld numbers compared, %lld of %lld planted errors seen\n", name.c_str(),
                good ? "right" : "WRONG", (long long)compared, (long long)seen, (long long)planted);
    return good && seen == planted;
}

// Those of a type that are wanted, of which there are `found`.
template <typename Real>
bool check_all(std::vector<const Kernels<Real>*> tables, const std::vector<std::string>& wanted,
               std::vector<std::string>& found) {
#if defined(TREADLE_AVX512_IN_HALVES)
    tables.insert(tables.begin(), kernels_avx512<Real>());  // which any processor with AVX2 runs
#endif
    bool good = true;
    for (const Kernels<Real>* table : tables) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), table->name) == wanted.end()) continue;
        found.emplace_back(table->name);
        good = check_table(*table) && good;
    }
    return good;
}

int check_tables(const std::vector<std::string>& wanted) {
    std::vector<const Kernels<float>*> tables = available_kernels<float>();
    const auto& more = available_bfloat16_kernels();
    tables.insert(tables.end(), more.begin(), more.end());
    std::vector<std::string> found;
    bool good = check_all(tables, wanted, found);
    good = check_all(available_kernels<double>(), wanted, found) && good;
    for (const std::string& name : wanted) {
        if (std::find(found.begin(), found.end(), name) != found.end()) continue;
        std::printf("%s: not compiled in, or not for this processor\n", name.c_str());
        good = false;
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace treadle

int main(int n, char** words) { return treadle::check_tables(std::vector<std::string>(words + 1, words + n)); }
