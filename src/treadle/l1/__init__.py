"""Exact linear regression under the L1 norm, with a certificate of optimality."""
