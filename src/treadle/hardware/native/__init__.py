"""The door to the compiled kernel: typed functions that check every array first."""
