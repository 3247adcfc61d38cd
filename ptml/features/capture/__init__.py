"""Features of a whole capture, grouped by what they look at."""
