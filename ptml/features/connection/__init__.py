"""Features of one connection, grouped by what they look at."""
