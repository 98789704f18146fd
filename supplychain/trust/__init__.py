"""Trust policies, and whether an image is to be trusted by one: data in, reasons out."""
