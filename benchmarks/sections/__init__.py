"""A file for each section of the page of results, all with the same narrow face.

``measure(settings) -> dict``
    Plays the section's contests; the record is plain enough for JSON, and unrounded.
``page(record) -> str``
    The section in Markdown, heading included.

A contest whose result cannot be right (a rival that did not train, outputs that differ) is a ``Foul``.
"""


class Foul(Exception):
    """A contest in which somebody did not do what was timed."""
