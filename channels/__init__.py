"""Ways out to people and other systems: channels, and deliveries until they have arrived."""
