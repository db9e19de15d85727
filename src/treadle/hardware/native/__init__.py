"""Calls the compiled kernel by typed functions that check every array first."""
