"""Settings of the test suite: the real ones with few names changed."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("DATABASE_URL", "postgres://postgres@localhost/buildinsights")

from buildinsights.embedded import data_dir, ensure_audit_key
from buildinsights.settings import *  # noqa: F403

data_dir().mkdir(parents=True, exist_ok=True)
AUDIT_SIGNING_KEY_FILE = str(ensure_audit_key(data_dir()))

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
# Static files straight from their sources: nothing is collected for a test run.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
