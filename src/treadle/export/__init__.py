"""Files for networks: they hold plain layers, and nothing of how those were made."""
