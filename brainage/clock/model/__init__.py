"""What is frozen, in one file: the clock, its card, its bias line, intervals and distances."""
