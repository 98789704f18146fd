"""What to do first: what is worth most a week, across caches, changes, images and builders."""
