"""Finds products by meaning: latent semantic search over the product texts."""
