"""The solver of sparse rows."""
