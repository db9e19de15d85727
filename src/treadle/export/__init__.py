"""Writes networks as files of plain layers, however they were made."""
