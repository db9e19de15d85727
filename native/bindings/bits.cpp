// The bits that trainings gave where they were recorded, and that they give here.
#include "bindings/bindings.h"
#include "training/recorded_bits.h"

namespace treadle {

void bind_bits(nb::module_& module) {
    // Each option with the hash recorded; see bits_here.
    module.def("recorded_bits", [] {
        std::vector<std::tuple<std::string, uint64_t>> all;
        for (const RecordedBits& bits : recorded_bits()) all.emplace_back(bits.option, bits.recorded);
        return all;
    });
    module.def(
        "bits_here",
        [](size_t option, const std::string& kernels) {
            const nb::gil_scoped_release released;
            return bits_here(option, kernels_by_name<float>(kernels));
        },
        "option"_a, "kernels"_a);
}

}  // namespace treadle
