"""Scores a trained classifier, draws pictures, and writes a report page.

The page works offline.
"""
