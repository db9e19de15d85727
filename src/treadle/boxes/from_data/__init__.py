"""Fits boxes and hats to rows of data, with edges and number chosen."""
