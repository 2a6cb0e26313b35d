"""What a comparison gives."""
