"""Reports by the clock: what is in one, when it is made, who gets it."""
