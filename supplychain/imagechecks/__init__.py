"""Checks of an image by its configuration and the files of its layers, as a registry keeps them.

``supplychain.imagechecks.checking.check_image`` is the way in.
"""
