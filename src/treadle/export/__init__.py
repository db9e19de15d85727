"""Files that trained networks leave in: they know plain layers, and nothing of how those came to be."""
