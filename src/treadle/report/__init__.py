"""Looking at a trained classifier: its scores, its pictures and a report, one page that works offline."""
