"""Formulas: their grammar, their derivatives, and intervals that enclose them."""
