"""``buildinsights update-base``: another base, tried before anybody has to."""
