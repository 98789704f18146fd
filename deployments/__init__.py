"""Which image was put where: when, by whom, and what was known of it then."""
