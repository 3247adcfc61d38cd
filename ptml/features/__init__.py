"""What a model can know of a connection or a capture: one small documented function per feature."""
