"""Alerts: rules about what is recorded, what they found, and who knows of it."""
