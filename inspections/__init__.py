"""Checks of images and Dockerfiles, since when each fails, and with which build it was mended."""
