"""A file for each room's question and answer, and one for its Python."""
