"""Signatures and attestations of images: made and checked by cosign, found in registries.

What a signature says is read here from the very bytes that cosign is given to check.
"""
