"""The app of recommendations."""

from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    """What to do first, and whether it has helped."""

    name = "recommendations"
