"""What had just happened when a connection ended: windows over time and over counts, and fading sums."""
