"""Ways to spoil a file or a text, drawn from a seeded generator."""

import copy
import json
import random
import struct

# What stands where a number is expected.
NUMBERS = (
    *("0", "-0.0", "-1", "1", "2", "0.5", "1e308", "-1e308", "5e-324", "1e400", "nan", "inf", "-inf"),
    *(
        "9" * 30,
        "9" * 400,
        "9" * 5000,
        "0x" + "f" * 400,
        "1_0",
        "1e",
        "0.1.2",
        "1970-01-01",
        "true",
        "Infinity",
    ),
)
WORDS = (
    *(
        "",
        " ",
        "\0",
        "\x1b[2J",
        "\ud800",
        "\udcff",
        "é",
        "靴" * 50,
        "a" * 5000,
        "a." * 300,
        "[" * 300,
        "{" * 300,
    ),
    *(
        "(" * 300,
        '"',
        "'",
        '"""',
        "\\",
        "\n",
        "\r",
        "#",
        "=",
        ",",
        ")",
        "]",
        "}",
        "x",
        "sin",
        "where",
        "**",
        "//",
    ),
)
VALUES = (
    *(None, True, False, -1, 0, 1, 2, 3, 0.5, -0.5, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")),
    *(
        2**31,
        2**53,
        2**63,
        2**64,
        10**30,
        10**300,
        -(10**300),
        "",
        "a",
        "relu",
        "numpy",
        "\ud800",
        "x" * 3000,
    ),
    *([], {}, [[]], [None], [0], ["a"], {"a": 1}, {"tuple": [1]}, {"mapping": [[1, 2]]}, {"mapping": [1]}),
    *(
        {"array": {"dtype": "U", "values": ["a", "b"]}},
        {"array": {"dtype": "O", "values": [[]], "shape": [1]}},
    ),
    *(
        {"scalar": {"dtype": "float64", "values": float("nan")}},
        {"scalar": {"dtype": "int64", "values": 2**70}},
    ),
    {"random_state": [[0] * 624, 624, 0, 0.0]},
    {"random_state": [list(range(624)), 10**6, 0, 0.0]},
)
SIZES = (
    0,
    1,
    2,
    127,
    128,
    255,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**62,
    2**63 - 1,
    2**64 - 1,
)


def spoiled_bytes(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """The bytes with one to three changes; others are files to splice with."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = _spoiled_once(data, rng, others)
    return data


def _spoiled_once(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    n = len(data)
    if n == 0:
        return rng.randbytes(rng.randint(0, 40))
    at, length = rng.randrange(n), rng.choice((1, 2, 4, 8, 64, n // 2 + 1))
    end = min(n, at + rng.randint(1, length))
    match rng.randrange(12):
        case 0 | 1 | 2:
            changed = bytearray(data)
            changed[at] ^= 1 << rng.randrange(8)
            return bytes(changed)
        case 3:
            return (
                data[:at] + bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))]) + data[at + 1 :]
            )
        case 4:
            return data[:at]
        case 5:
            return data[:at] + data[end:]
        case 6:
            return data[:end] + data[at:end] * rng.choice((1, 2, 50)) + data[end:]
        case 7:
            return data[:at] + rng.randbytes(rng.randint(1, 16)) + data[end:]
        case 8:
            size, kind = rng.choice(SIZES), rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
            packed = struct.pack(kind, size % (1 << 8 * struct.calcsize(kind)))
            return data[:at] + packed + data[at + len(packed) :]
        case 9:
            other = rng.choice(others)
            start = rng.randrange(len(other)) if other else 0
            return data[:at] + other[start : start + length] + data[at + length :]
        case 10:
            return data + rng.randbytes(rng.randint(1, 30))
        case _:
            # The same place, another letter or digit: what JSON, TOML and headers are made of.
            letter = rng.choice(b'0123456789eE.-+[]{}(),:"aAfFnNuU \n')
            return data[:at] + bytes([letter]) + data[at + 1 :]


def spoiled_text(text: str, rng: random.Random, others: list[str]) -> str:
    """The text with one to four changes of its characters, numbers and words."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randint(0, len(text))
        end = min(len(text), at + rng.choice((0, 1, 1, 3, 10)))
        match rng.randrange(6):
            case 0:
                text = text[:at] + rng.choice(NUMBERS) + text[end:]
            case 1:
                text = text[:at] + rng.choice(WORDS) + text[end:]
            case 2:
                text = text[:at] + text[end:]
            case 3:
                text = text[:end] + text[at:end] * rng.choice((1, 30)) + text[end:]
            case 4:
                other = rng.choice(others)
                start = rng.randint(0, len(other))
                text = text[:at] + other[start : start + 20] + text[end:]
            case _:
                text = text[:at] + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000)))) + text[end:]
    return text


def spoiled_json(value: object, rng: random.Random) -> object:
    """A copy of a JSON object with one or two of its places changed, taken away or added."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2))):
        at = value
        while True:
            keys = list(at) if isinstance(at, dict) else range(len(at))
            if not keys:
                break
            key = rng.choice(keys)
            inner = at[key]
            if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
                at = inner
                continue
            match rng.randrange(6):
                case 0:
                    del at[key]
                case 1 if isinstance(at, dict):
                    at[rng.choice(("a", "__class__", "\ud800", str(key) + "_"))] = rng.choice(VALUES)
                case 2 if isinstance(inner, int | float) and not isinstance(inner, bool):
                    at[key] = rng.choice((-inner, inner + 1, inner * 1e10, float(inner)))
                case _:
                    at[key] = json.loads(json.dumps(rng.choice(VALUES)))
            break
    return value


def spoiled_arrays(arrays: dict, rng: random.Random) -> dict:
    """The arrays with one of them changed in values, shape, type or name."""
    import numpy as np

    arrays = dict(arrays)
    if not arrays:
        return {"a": np.zeros(3)}
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    match rng.randrange(8):
        case 0:
            del arrays[name]
        case 1:
            arrays[name + "x"] = arrays.pop(name)
        case 2:
            arrays[name] = array.reshape(-1)[: rng.randint(0, array.size)].copy()
        case 3:
            arrays[name] = array.astype(rng.choice((np.float32, np.float64, np.int64)))
        case 4:
            arrays[name] = np.resize(array, rng.choice(((), (0,), (1,), (2, 3), (7,), (3, 1, 2))))
        case 5:
            other = rng.choice(sorted(arrays))
            arrays[name] = arrays[other]
        case _:
            flat = array.reshape(-1).copy()
            if flat.size:
                extremes = (0, -1, 1, 2, 5, 10**6, 2**62, -(2**63)) if flat.dtype == np.int64 else (
                    *(0.0, -1.0, 1e308, -1e308, 5e-324, 1e-300, 0.5),
                )  # fmt: skip
                with np.errstate(over="ignore"):
                    flat[rng.randrange(flat.size)] = rng.choice(extremes)
                if flat.dtype.kind == "f" and not np.isfinite(flat).all():
                    flat = np.ones_like(flat)
            arrays[name] = flat.reshape(array.shape)
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}
