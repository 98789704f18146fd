"""What the cache saves and costs, and why steps ran."""
