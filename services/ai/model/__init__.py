"""The retrieval model: made while the image is built, read when the service starts."""
