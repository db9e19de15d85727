"""Solves regressions of dense rows: sample, screen, solve the rest, certify."""
