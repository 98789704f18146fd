"""Findings of scanners and their life."""
