"""What is in images, and what made them grow."""
