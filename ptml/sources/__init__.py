"""Where labelled captures come from: one file a source."""
