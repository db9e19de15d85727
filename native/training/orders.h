// The orders of an epoch's rows, by the numbers of NumPy's generators: as treadle/training/batches.py draws them.
#pragma once

#include <cstdint>

namespace treadle {

// orders (n_epochs, n_rows): row e is numpy.random.default_rng(SeedSequence([seed, first_epoch + e])).permutation(n_rows),
// for n_rows up to 2^32.
//
// NumPy promises no stream across versions: whoever calls holds this one against the NumPy at hand.
void draw_orders(uint64_t seed, uint64_t first_epoch, int64_t n_epochs, int64_t n_rows, int64_t* orders);

}  // namespace treadle
