"""Sources of rows: in memory, in files, in chunks, sparse."""
