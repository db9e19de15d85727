"""Reads numbers as people write them, a whole column at a time.

Such are 1,200 and 1.200,5 and 12 % and $ 3 and -3. A column is read one way or not at all. Whether a comma is
a decimal mark or parts thousands, other cells and other columns say; where nothing does, that is reported and
not guessed.

1. What surrounds each number alike, a per cent sign or a currency's, is taken off; so are marks between
   thousands that can be nothing else: blanks and apostrophes.
2. A column whose cells all fit one of the two ways, and not all the other, is read that way.
3. One that fits both, such as 1,200 alone, is read as the other columns of the table are; see
   ``treadle.tables.text_columns.decimal_mark``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from treadle.choices import DecimalMark

SAMPLE = 256  # cells

_SIGN, _EXPONENT = r"^[+-]?", r"([eE][+-]?\d+)?$"
# A whole number whose thousands are parted, or not; then the decimals.
WRITTEN: dict[DecimalMark, str] = {
    ".": _SIGN + r"(([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?|\.\d+)" + _EXPONENT,
    ",": _SIGN + r"(([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?|,\d+)" + _EXPONENT,
}
_BLANKS = r"[ \x{a0}\x{202f}\x{2009}'’]"
_GROUPED = rf"^[+-]?\d{{1,3}}({_BLANKS}\d{{3}})+([.,]\d+)?$"
_PERCENT = r"\s*[%\x{ff05}]$"
_CURRENCY = r"\p{Sc}"


@dataclass(frozen=True)
class WrittenNumbers:
    """A column of text whose cells are numbers.

    Attributes
    ----------
    text : pyarrow.LargeStringArray
        The cells without signs around them; thousands and decimals are as they were.
    marks : tuple of {".", ","}
        The decimal marks that all cells allow.
    signs : str
        What was taken off, for people; or "".
    example : str
        A cell that is not plain, or the first one.
    """

    text: pa.LargeStringArray
    marks: tuple[DecimalMark, ...]
    signs: str
    example: str

    def in_words(self, mark: DecimalMark) -> str:
        """Describe how the cells are read."""
        between = "points" if mark == "," else "commas"
        how = [self.signs + " taken off"] if self.signs else []
        if pc.any(pc.match_substring(self.text, "." if mark == "," else ",")).as_py():
            how.append(f"{between} part thousands")
        if pc.any(pc.match_substring(self.text, mark)).as_py():
            how.append(f"a decimal {'comma' if mark == ',' else 'point'}")
        return ", ".join(how) or "signs of its own"

    def values(self, mark: DecimalMark) -> pa.Array:
        """Return the numbers, int64 or uint64 where all fit, else float64."""
        if mark == ".":
            text = pc.replace_substring(self.text, ",", "")
        else:
            text = pc.replace_substring(pc.replace_substring(self.text, ".", ""), ",", ".")
        values = plain_values(text)
        return pc.cast(text, pa.float64()) if values is None else values


def plain_values(text: pa.LargeStringArray) -> pa.Array | None:
    """Read numbers as programs write them; None if a cell is none.

    They are int64 or uint64 where all are whole.
    """
    try:
        if len(text) > 4 * SAMPLE:  # a cast that fails goes on to the end, and makes a message for each cell
            for first in (0, len(text) // 2, len(text) - SAMPLE):
                text.slice(first, SAMPLE).cast(pa.float64())
        values = text.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    # NumPy, not pyarrow: a tenth of the time of a call, and a table may have as many columns as cells.
    array = values.drop_null().to_numpy() if values.null_count else values.to_numpy()
    if not (np.floor(array) == array).all():
        return values
    for whole in (pa.int64(), pa.uint64()):
        try:
            return text.cast(whole)
        except pa.ArrowInvalid:
            continue
    return values


def written_numbers(text: pa.LargeStringArray) -> WrittenNumbers | None:
    """Take steps 1 and 2 for one column; None if not numbers.

    Parameters
    ----------
    text : pyarrow.LargeStringArray
        Without blanks around cells; null where missing, and not everywhere.
    """
    bare, signs = _without_signs(pc.replace_substring(text, "−", "-"))
    if bare is None:
        return None
    marks = tuple(mark for mark in WRITTEN if _all_match(bare, WRITTEN[mark]))
    return WrittenNumbers(bare, marks, signs, _example(text)) if marks else None


def is_undecided(column: WrittenNumbers) -> bool:
    """Say whether numbers depend on the decimal mark: 1,200 or 1.200."""
    return len(column.marks) == 2 and has_mark(column)


def has_mark(column: WrittenNumbers) -> bool:
    """Say whether a cell has a comma or a point."""
    return bool(pc.any(pc.match_substring_regex(column.text, "[.,]")).as_py())


def number_cells(text: pa.LargeStringArray) -> pa.BooleanArray:
    """Return which cells look like numbers, in a column that is mixed."""
    bare = pc.replace_substring_regex(text, rf"{_PERCENT}|^{_CURRENCY}\s*|\s*{_CURRENCY}$", "")
    return pc.match_substring_regex(bare, "|".join(WRITTEN.values()))


def _all_match(text: pa.LargeStringArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())


def _without_signs(text: pa.LargeStringArray) -> tuple[pa.LargeStringArray | None, str]:
    """Remove the signs that surround each number alike; return both.

    None if they surround a part of the cells.
    """
    signs = []
    if pc.any(pc.match_substring_regex(text, r"[%\x{ff05}]")).as_py():
        if not _all_match(text, _PERCENT):
            return None, ""
        text = pc.replace_substring_regex(text, _PERCENT, "")
        signs.append("per cent signs")
    if pc.any(pc.match_substring_regex(text, _CURRENCY)).as_py():
        found = pc.unique(pc.struct_field(pc.extract_regex(text, rf"(?P<sign>{_CURRENCY})"), "sign"))
        sign = found[0].as_py()
        if len(found.drop_null()) != 1 or not _all_match(text, _CURRENCY):
            return None, ""
        text = pc.replace_substring_regex(text, rf"^([+-]?)\s*{_CURRENCY}\s*", r"\1")
        text = pc.replace_substring_regex(text, rf"\s*{_CURRENCY}$", "")
        signs.append(f"the sign {sign}")
    if pc.any(pc.match_substring_regex(text, rf"\d{_BLANKS}\d")).as_py():
        if not _all_match(text, rf"{_GROUPED}|^[+-]?\d+([.,]\d+)?$"):
            return None, ""
        text = pc.replace_substring_regex(text, _BLANKS, "")
        signs.append("blanks or apostrophes between thousands")
    return text, " and ".join(signs)


def _example(text: pa.LargeStringArray) -> str:
    unusual = pc.index(pc.match_substring_regex(text, r"[^0-9.+-]"), True).as_py()
    return str(text.drop_null()[0].as_py() if unusual < 0 else text[unusual].as_py())[:40]
