"""Planted findings are told as they were planted, over real builds.

The builds are recordings of a real engine, the reports are made up; demo/README.md says which.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build
from ingest.demo import Sample, ingest_samples, load_planted, planted_reports
from security.models import Finding, FindingEvent, Scan
from tests.demo import generated_reports

pytestmark = pytest.mark.django_db
