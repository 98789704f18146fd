"""The commands of ``buildinsights cache``."""
