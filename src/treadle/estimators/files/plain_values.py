"""Converts values of Python and NumPy to JSON and back.

An estimator's parameters and labels are made of them.

None, booleans, numbers, texts and lists are themselves. An object with one key is anything else::

    {"tuple": [...]}                              {"mapping": [[key, value], ...]}
    {"array": {"dtype": "U", "values": [...]}}    {"scalar": {"dtype": "int64", "values": 3}}
    {"random_state": [...]}                       a numpy.random.RandomState where it stands

Arrays are of numbers, booleans, texts, bytes, dates or durations, or of objects that are themselves as above.
Nothing else is written, and reading builds nothing else: no code is run, whatever is in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.export.text_arrays import check_text_bytes, text_array
from treadle.messages import quoted

# A number, or a date by its unit: nothing whose size a file could choose.
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns")
DTYPE_NAMES = frozenset(
    (
        *("bool", "U", "S", "O", "float16", "float32", "float64"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *(f"{kind}64[{unit}]" for kind in ("datetime", "timedelta") for unit in UNITS),
    )
)


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def to_plain(value: object, name: str) -> Json:
    """Convert a value to what JSON can hold.

    Parameters
    ----------
    value : object
    name : str
        What to call it in an error.

    Raises
    ------
    InvalidInput
        If it is, or contains, something else than this file's docstring lists.
    """
    if value is None or (
        isinstance(value, bool | int | float | str) and type(value).__module__ == "builtins"
    ):
        return value
    if isinstance(value, list):
        return [to_plain(item, name) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_plain(item, name) for item in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[to_plain(key, name), to_plain(item, name)] for key, item in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return {"scalar" if value.ndim == 0 else "array": _array_to_plain(np.asarray(value), name)}
    if isinstance(value, np.random.RandomState):
        state: Any = value.get_state(legacy=False)  # a mapping, which NumPy's types do not say
        if state["bit_generator"] == "MT19937":
            _, key, *rest = value.get_state(legacy=True)
            return {"random_state": [np.asarray(key).tolist(), *rest]}
    raise InvalidInput(
        f"{name} cannot be saved: it is a {type(value).__name__}, where a file holds numbers, texts, arrays, "
        "lists, tuples and mappings of them; set another value before saving"
    )


def _array_to_plain(array: NDArray[np.generic], name: str) -> dict[str, Json]:
    kind = array.dtype.kind
    dtype = kind if kind in "USO" else array.dtype.newbyteorder("=").name
    if dtype not in DTYPE_NAMES:
        raise InvalidInput(f"{name} cannot be saved: it is an array of {array.dtype}")
    if kind in "US":
        character = np.dtype(f"{kind}1").itemsize
        check_text_bytes(array.size, array.dtype.itemsize // character, character)
    values: Json
    match kind:
        case "M" | "m":
            values = array.astype(np.int64).tolist()
        case "S":
            values = [text.decode("latin-1") for text in array.ravel().tolist()]
        case "O":
            values = [to_plain(item, name) for item in array.ravel().tolist()]
        case _:
            values = array.tolist()
    plain: dict[str, Json] = {"dtype": dtype, "values": values}
    return {**plain, "shape": list(array.shape)} if kind in "SO" else plain


# Any, here and below: of the kind that the file says; the errors of what does not fit are caught.
def from_plain(plain: object) -> Any:
    """Convert back what ``to_plain`` returned.

    Raises
    ------
    InvalidInput
        If it is nothing that ``to_plain`` writes.
    """
    if isinstance(plain, list):
        return [from_plain(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    try:
        ((kind, content),) = plain.items()
        match kind:
            case "tuple":
                return tuple(from_plain(_list(content)))
            case "mapping":
                return {from_plain(key): from_plain(item) for key, item in _list(content)}
            case "array":
                return _array_from_plain(**content)
            case "scalar":
                return _array_from_plain(**content)[()]
            case "random_state":
                return _random_state(*content)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidInput(f"{quoted(plain)} is no value that treadle writes: {error}") from error
    raise InvalidInput(f"there is no kind of value {quoted(kind)}")


def _random_state(
    key: ArrayLike, position: object, has_gauss: object, gauss: object
) -> np.random.RandomState:
    """Make the generator in that state, and check the state first.

    NumPy would read beyond the key's end, or draw without end from zeros.
    """
    bits = np.array(key, np.uint32)
    if bits.shape != (624,):
        raise ValueError(f"a state has 624 numbers; got shape {bits.shape}")
    if not (bits[1:].any() or bits[0] >> 31):
        raise ValueError("of a state the last bit of the first number, or any of the others, is not 0")
    if type(position) is not int or not 0 <= position <= 624 or has_gauss not in (0, 1):
        raise ValueError(f"a state's position is 0 to 624; got {quoted(position)}, {quoted(has_gauss)}")
    if type(gauss) is not float or not math.isfinite(gauss):
        raise ValueError(f"a state's last number is finite; got {quoted(gauss)}")
    state = np.random.RandomState()
    state.set_state(("MT19937", bits, position, has_gauss, gauss))
    return state


def _list(content: object) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError(f"a list is needed; got {type(content).__name__}")
    return content


def _array_from_plain(dtype: str, values: Any, shape: Any = None) -> NDArray[Any]:
    if dtype not in DTYPE_NAMES:
        raise ValueError(f"there is no array of {quoted(dtype)}")
    if dtype in ("S", "O"):
        items = [from_plain(v) if dtype == "O" else v.encode("latin-1") for v in _list(values)]
        array = np.empty(len(items), dtype=object)
        array[:] = items
        return (array if dtype == "O" else text_array(items, "S")).reshape(shape)
    if dtype == "U":
        return text_array(values)
    if dtype[0] in "dt":
        return np.array(values, np.int64).astype(dtype)
    if dtype[0] != "f":  # whole numbers are not to pass through floating point
        given = np.array(values, dtype=object).ravel().tolist()
        if not all(type(value) in (int, bool) for value in given):
            raise ValueError(f"values of {dtype} are needed")
    return np.array(values, dtype=dtype)
