"""What is learnt of features before a regression, inside the fold."""
