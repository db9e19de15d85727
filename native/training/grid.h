// Cuts the work of a phase into units, and the units into the threads' shares.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "training/layout.h"
#include "threads.h"

namespace treadle {

// A layer's panels, and something that each panel's work is cut along (rows of a batch, tiles of weights), as units.
struct Grid {
    int64_t panels, group;  // panels of a unit, at most
    int64_t length, cuts;   // 0 .. length is cut into so many nearly equal pieces
    bool by_panel;          // whole panels in every share; or units in order of panel and piece, shared out evenly

    // Panels go to threads in whole where that is fair within a quarter, in at least so many groups, if there are.
    // `separable`: pieces are allowed.
    Grid(int64_t panels, int64_t largest_group, int64_t least_groups, int64_t length, int64_t threads, bool separable)
        : panels(panels), length(length) {
        by_panel = !separable || panels % threads == 0 || panels >= 4 * threads;
        group = by_panel ? std::clamp(panels / (threads == 1 ? 1 : least_groups), int64_t(1), largest_group) : 1;
        const int64_t groups = ceil_divide(panels, group);
        const int64_t wanted = threads == 1 ? 1  // nobody to share with
                               : by_panel   ? ceil_divide(4 * threads, groups)
                                            : 2 * threads / std::gcd(panels, threads);
        cuts = separable ? std::clamp(wanted, int64_t(1), std::max(length, int64_t(1))) : 1;
    }

    int64_t units(int t, int threads) const {
        return by_panel ? ceil_divide(share(panels, t, threads).size(), group) * cuts
                        : share(panels * cuts, t, threads).size();
    }

    struct Unit {
        int64_t panel_begin, panel_end, begin, end;
    };

    // Unit k of thread t's share.
    Unit unit(int64_t k, int t, int threads) const {
        const Share mine = share(by_panel ? panels : panels * cuts, t, threads);
        const int64_t cut = by_panel ? k % cuts : (mine.begin + k) % cuts;
        const int64_t panel = by_panel ? mine.begin + k / cuts * group : (mine.begin + k) / cuts;
        return {panel, by_panel ? std::min(panel + group, mine.end) : panel + 1, length * cut / cuts,
                length * (cut + 1) / cuts};
    }
};

}  // namespace treadle
