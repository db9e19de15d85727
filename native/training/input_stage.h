// What stands before the first layer where rows of X are rows of a table: treadle/engines/input_stage.py.
//
// A row of X holds numbers, plain columns, and codes of categories. What it becomes are the combinations of the cosines
// of each number, then numbers and plain columns as they are, then the embedding of each code, all times a factor for
// each column.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "training/layout.h"

namespace treadle {

// Factors of what trains a block of parameters: of the learning rate, of the decay, of Adam's epsilon.
struct Pace {
    double rate = 1, decay = 0, epsilon = 1;
};

// Without columns there is none.
struct InputStage {
    int64_t numbers = 0, plain = 0;
    std::vector<int64_t> counts;  // of each category's codes
    int64_t frequencies = 0, combinations = 0, embedding = 0;
    Pace of_cosines, of_embeddings, of_scales;

    int64_t categories() const { return int64_t(counts.size()); }
    int64_t copied() const { return numbers + plain; }
    int64_t columns() const { return copied() + categories(); }
    int64_t width() const { return combinations * numbers + copied() + embedding * categories(); }
    bool is_there() const { return columns() > 0; }

    Cosines cosines() const {
        return {frequencies, combinations, whole_lines(frequencies * (2 + combinations) + combinations)};
    }

    // Numbers of a category's rows, of which whole cache lines are updated.
    int64_t table(int64_t category) const { return whole_lines(counts[size_t(category)] * embedding); }

    // Walks through its part of a flat array of treadle.network.Parameters, from `at` on: calls
    // cosines(n, j, offset, at) for the n numbers at `offset` of the block of number j, table(k, n, at), scales(n, at).
    template <typename OfCosines, typename OfTable, typename OfScales>
    void walk(int64_t at, const OfCosines& of_block, const OfTable& of_table, const OfScales& of_factors) const {
        if (!is_there()) return;
        const int64_t sizes[] = {frequencies, frequencies, frequencies * combinations, combinations};
        int64_t offset = 0;
        for (const int64_t n : sizes) {
            for (int64_t j = 0; j < numbers; ++j, at += n) of_block(n, j, offset, at);
            offset += n;
        }
        for (int64_t k = 0; k < categories(); ++k) {
            const int64_t n = counts[size_t(k)] * embedding;
            of_table(k, n, at);
            at += n;
        }
        of_factors(width(), at);
    }

private:
    static int64_t whole_lines(int64_t n) { return ceil_divide(n, 16) * 16; }
};

// The parameters of a stage as its passes take them: blocks of numbers, each category's rows, and factors, in whole
// panels.
template <typename Real>
struct StageValues {
    const Real* cosines;
    std::vector<const Real*> tables;
    const Real* scales;
};

// Rows of X (rows, X_stride), with their codes, into `joined` and, times the factors, into `out`, both (rows, stride).
// A code that is none, since X was written to, counts as the next one that is.
template <typename Real>
void pass_input_stage(const InputStage& stage, const Kernels<Real>& kernels, const StageValues<Real>& values,
                      const Real* X, ptrdiff_t X_stride, int64_t rows, int32_t* codes, Real* joined, Real* out,
                      ptrdiff_t stride) {
    const int64_t combined = stage.combinations * stage.numbers, v = stage.embedding, m = stage.categories();
    if (stage.numbers > 0)
        kernels.combine_cosines(stage.cosines(), values.cosines, stage.numbers, X, X_stride, rows, joined, stride);
    for (int64_t i = 0; i < rows; ++i, codes += m) {
        const Real* const x = X + i * X_stride;
        Real* to = std::copy_n(x, stage.copied(), joined + i * stride + combined);
        for (int64_t k = 0; k < m; ++k) {
            const Real code = x[stage.copied() + k], last = Real(stage.counts[size_t(k)] - 1);
            codes[k] = int32_t(code > 0 ? std::min(code, last) : 0);  // NaN is not
            to = std::copy_n(values.tables[size_t(k)] + codes[k] * v, v, to);
        }
    }
    kernels.scale_columns(joined, values.scales, out, rows, panels(stage.width(), kernels.panel) * kernels.panel,
                          stride);
}

}  // namespace treadle
