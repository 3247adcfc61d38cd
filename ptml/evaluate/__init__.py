"""How good a model is on captures it has not seen, and how sure one can be of that."""
