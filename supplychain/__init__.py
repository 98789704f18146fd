"""What scanners, signers and inventories say of images: their formats, read; no Django."""
