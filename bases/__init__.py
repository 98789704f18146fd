"""Base images: what services stand on, how old and how far behind it is, and what is better."""
