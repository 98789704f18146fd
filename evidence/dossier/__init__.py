"""All that is known of one image, put together as one document."""
