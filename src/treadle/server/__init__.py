"""Serves the pages of ``treadle lab`` on this machine alone, every number computed by the library."""
