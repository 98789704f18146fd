"""The trail as files: to be proved (JSON Lines, ZIP) and to be read (CSV, PDF)."""
