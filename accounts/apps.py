"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, projects and tokens."""

    name = "accounts"
