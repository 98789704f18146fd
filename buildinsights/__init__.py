"""Wiring only: settings, URLs, the Celery application, health, logging."""

from buildinsights.celery import app as celery_app

__all__ = ["celery_app"]
