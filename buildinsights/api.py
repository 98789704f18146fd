"""The router of ``/api/v1/``."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from builds.api import BuildViewSet, ServiceViewSet
from ingest.api import BuildKitIngestView, ReceiptViewSet

app_name = "api"

router = DefaultRouter(use_regex_path=False)
router.register("builds", BuildViewSet, basename="build")
router.register("services", ServiceViewSet, basename="service")
router.register("ingest/receipts", ReceiptViewSet, basename="receipt")
router.include_root_view = False

urlpatterns = [
    path("ingest/buildkit/", BuildKitIngestView.as_view(), name="ingest-buildkit"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    *router.urls,
]
