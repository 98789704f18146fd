"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, projects and tokens."""

    name = "accounts"

    def ready(self) -> None:
        """Listen to who signs in."""
        from accounts import signing_in  # noqa: F401
