"""Before a capture is made public: what it would reveal, and a copy with other addresses."""
