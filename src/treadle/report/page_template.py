"""The templates of report pages, and how they write shares, durations and names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from treadle.report.samples import short_name

if TYPE_CHECKING:
    import jinja2

NAME_WIDTH = 60  # characters


@cache
def template(name: str) -> jinja2.Template:
    """Return the page's template of that file name."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("treadle.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "duration": _duration,
        "xy": lambda length: f"{length:.1f}",
        "short": lambda name: short_name(name, NAME_WIDTH),
    }
    return environment.get_template(name)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
