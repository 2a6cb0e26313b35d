"""One file an analysis; the registry of what can be planned."""
