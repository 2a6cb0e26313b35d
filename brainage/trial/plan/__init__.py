"""What was promised, hashed, and what each row may therefore be called."""
