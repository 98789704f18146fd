"""A product search that answers in words: a small graph of steps behind one HTTP call."""
