"""Boxes and hats for rows of data: edges, heights, and how many serve rows left out."""
