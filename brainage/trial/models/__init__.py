"""Models of a trial and what follows from them."""
