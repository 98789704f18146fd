"""What builders have, what builds take of it, and what builds beside each other cost."""
