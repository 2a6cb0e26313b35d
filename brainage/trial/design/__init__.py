"""Who, when, in which arm."""
