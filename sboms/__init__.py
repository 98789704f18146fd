"""Bills of materials: which packages are in which images, now and at a date."""
