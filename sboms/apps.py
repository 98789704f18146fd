"""The app of bills of materials."""

from django.apps import AppConfig


class SbomsConfig(AppConfig):
    """Bills of materials, and the packages that they list."""

    name = "sboms"
