// Passes NumPy's arrays to the kernel, for the extension treadle._native (its types: src/treadle/_native.pyi).
//
// The only caller is the package src/treadle/hardware/native/, which has checked every shape. Arrays of one type are
// taken as such and never converted; an array that a user may have laid out in any way is read by its strides. The GIL
// is released wherever something is computed.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <memory>
#include <optional>

#include "kernels/dispatch.h"
#include "kernels/l1_kernels.h"

namespace treadle {

namespace nb = nanobind;
using namespace nb::literals;

// Arrays of one type, row by row; Vector<const T> may be read-only.
template <typename T>
using Vector = nb::ndarray<T, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Matrix = nb::ndarray<T, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;

// The memory of an array, or null where there is none.
template <typename Given>
auto memory(const std::optional<Given>& given) {
    return given ? given->data() : nullptr;
}

// A user's array of one or two axes, of unsigned bytes, float32 or float64, laid out in any way. Its memory stays where
// it is for as long as this, or a copy of it, lives.
class Strides {
public:
    explicit Strides(nb::handle array) : view_(new Py_buffer{}, release) {
        if (PyObject_GetBuffer(array.ptr(), view_.get(), PyBUF_STRIDED_RO | PyBUF_FORMAT)) throw nb::python_error();
        if (view_->ndim != 1 && view_->ndim != 2) throw nb::value_error("an array of one or two axes is taken");
        const size_t length = std::strlen(view_->format);
        switch (length ? view_->format[length - 1] : ' ') {  // the last one: before it is how it is aligned, if so
            case 'B': type_ = Number::uint8; break;
            case 'f': type_ = Number::float32; break;
            case 'd': type_ = Number::float64; break;
            default: throw nb::type_error("an array of uint8, float32 or float64 is taken");
        }
    }

    const char* data() const { return static_cast<const char*>(view_->buf); }
    Number type() const { return type_; }
    ptrdiff_t row_bytes() const { return view_->strides[0]; }
    ptrdiff_t column_bytes() const { return view_->ndim == 1 ? 0 : view_->strides[1]; }

    Strided strided() const { return {data(), type_, row_bytes(), column_bytes()}; }

private:
    static void release(Py_buffer* view) {
        PyBuffer_Release(view);
        delete view;
    }

    std::shared_ptr<Py_buffer> view_;
    Number type_;
};

// An argument that is such an array: one of another type is refused, never converted to a copy.
inline auto array(const char* name) { return nb::arg(name).noconvert(); }

// Each adds its part to the module.
void bind_networks(nb::module_& module);
void bind_boxes(nb::module_& module);
void bind_l1(nb::module_& module);
void bind_bits(nb::module_& module);

}  // namespace treadle
