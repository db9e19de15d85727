#include "bindings/bindings.h"

namespace treadle {
namespace {

std::vector<std::string> names_of(const std::vector<const Kernels<float>*>& available) {
    std::vector<std::string> names;
    for (const Kernels<float>* kernels : available) names.emplace_back(kernels->name);
    return names;
}

}  // namespace

NB_MODULE(_native, module) {
    nb::set_leak_warnings(false);  // what is alive when the interpreter ends, in a traceback say, is no leak
    module.def("processor_features", processor_features);
    module.def("available_kernels", [] { return names_of(available_kernels<float>()); });
    module.def("available_bfloat16_kernels", [] { return names_of(available_bfloat16_kernels()); });
    bind_networks(module);
    bind_boxes(module);
    bind_l1(module);
    bind_bits(module);
}

}  // namespace treadle
