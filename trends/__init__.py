"""How builds develop: series of homogeneous builds, and the changes that are found in them."""
