"""Prepares tables for networks: what each column is, the matrix, the target.

A preparation is fitted on training rows and applied to any table of the same columns. It is arrays and JSON.
"""
