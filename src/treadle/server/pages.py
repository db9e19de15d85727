"""Reads the pages' files once, by their addresses; nothing else of the disk can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The pages' family look is the report's.
REPORT_STYLE = ("report", "page", "style.css.jinja")


@dataclass(frozen=True)
class Page:
    """One file: its bytes and its type."""

    body: bytes
    media_type: str


def read_pages() -> dict[str, Page]:
    """Read all files; ``index.html`` is the page of its folder's address."""
    package = resources.files("treadle")
    found = {"/report.css": Page(package.joinpath(*REPORT_STYLE).read_bytes(), MEDIA_TYPES[".css"])}
    _read(package.joinpath("server", "static"), "/", found)
    return found


def _read(folder: Traversable, address: str, found: dict[str, Page]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _read(entry, f"{address}{entry.name}/", found)
            continue
        kind = MEDIA_TYPES.get(f".{entry.name.rpartition('.')[2]}")
        if kind is None:
            continue
        page = Page(entry.read_bytes(), kind)
        if entry.name == "index.html":
            found[address.rstrip("/") or "/"] = page
        else:
            found[f"{address}{entry.name}"] = page
