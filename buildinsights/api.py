"""The router of ``/api/v1/``."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from alerts.api import AlertViewSet, SilenceViewSet
from alerts.rules_api import AlertRuleViewSet
from bases.api import BaseImageViewSet
from bases.updates_api import BaseUpdateViewSet
from buildinsights import openapi  # noqa: F401  # registers how tokens are described
from cache.acts_api import CacheActsView
from cache.operations.api import OperationViewSet
from cache.state_api import ReferencesView, StorageView, WorthView
from channels.api import ChannelViewSet, DeliveryViewSet
from deployments.api import DeploymentViewSet
from evidence.dossier_api import DossierView
from evidence.trail_api import AuditViewSet, CheckpointViewSet, ExportView, KeysView
from farm.hook_api import PushHookView
from ingest.api import (
    BuildKitIngestView,
    ReceiptViewSet,
    SbomIngestView,
    TrivyIngestView,
    VexIngestView,
)
from inspections.api import InspectionViewSet, RuleViewSet
from policies.api import ImageVerdictView, PolicyViewSet, VerdictViewSet
from recommendations.api import RecommendationViewSet, RecommendedServiceViewSet
from reports.api import MetricsView
from reports.assessment_api import AssessmentView
from reports.comparison_api import ComparedServiceViewSet
from reports.platforms_api import PlatformsView
from reports.saved_views_api import SavedViewViewSet
from reports.scheduled.api import ReportRunViewSet, ReportScheduleViewSet
from resources.api import BuildersView, BuilderView
from sboms.api import SbomViewSet
from sboms.search_api import PackageViewSet
from security.api import FindingViewSet, ScanViewSet
from security.remediation_api import RemediationView
from security.vex_api import VexDocumentViewSet, VexView
from security.waivers_api import WaiverViewSet
from sizes.api import ImageViewSet
from trends.api import ChangeViewSet, JudgedBuildViewSet
from trust.api import TrustPolicyViewSet, VerificationViewSet

app_name = "api"

router = SimpleRouter(use_regex_path=False)
router.register("alerts", AlertViewSet, basename="alert")
router.register("alert-rules", AlertRuleViewSet, basename="alert-rule")
router.register("audit/checkpoints", CheckpointViewSet, basename="audit-checkpoint")
router.register("audit", AuditViewSet, basename="audit")
router.register("base-images", BaseImageViewSet, basename="base-image")
router.register("base-updates", BaseUpdateViewSet, basename="base-update")
router.register("builds", JudgedBuildViewSet, basename="build")
router.register("services", RecommendedServiceViewSet, basename="service")
router.register("cache/operations", OperationViewSet, basename="cache-operation")
router.register("channels", ChannelViewSet, basename="channel")
router.register("deliveries", DeliveryViewSet, basename="delivery")
router.register("deployments", DeploymentViewSet, basename="deployment")
router.register("changes", ChangeViewSet, basename="change")
router.register("findings", FindingViewSet, basename="finding")
router.register("images", ImageViewSet, basename="image")
router.register("policies", PolicyViewSet, basename="policy")
router.register("inspections", InspectionViewSet, basename="inspection")
router.register("lint-rules", RuleViewSet, basename="lint-rule")
router.register("packages", PackageViewSet, basename="package")
router.register("recommendations", RecommendationViewSet, basename="recommendation")
router.register("report-runs", ReportRunViewSet, basename="report-run")
router.register("report-schedules", ReportScheduleViewSet, basename="report-schedule")
router.register("sboms", SbomViewSet, basename="sbom")
router.register("silences", SilenceViewSet, basename="silence")
router.register("scans", ScanViewSet, basename="scan")
router.register("verdicts", VerdictViewSet, basename="verdict")
router.register("trust-policies", TrustPolicyViewSet, basename="trust-policy")
router.register("verifications", VerificationViewSet, basename="verification")
router.register("waivers", WaiverViewSet, basename="waiver")
router.register("vex/documents", VexDocumentViewSet, basename="vex-document")
router.register("views", SavedViewViewSet, basename="view")
router.register("ingest/receipts", ReceiptViewSet, basename="receipt")

urlpatterns = [
    path("audit/export/", ExportView.as_view(), name="audit-export"),
    path("audit/keys/", KeysView.as_view(), name="audit-keys"),
    path("assessment/", AssessmentView.as_view(), name="assessment"),
    path("ingest/buildkit/", BuildKitIngestView.as_view(), name="ingest-buildkit"),
    path("ingest/vex/", VexIngestView.as_view(), name="ingest-vex"),
    path("ingest/trivy/", TrivyIngestView.as_view(), name="ingest-trivy"),
    path("ingest/sbom/", SbomIngestView.as_view(), name="ingest-sbom"),
    path("builders/", BuildersView.as_view(), name="builders"),
    path("builders/<path:name>/", BuilderView.as_view(), name="builder"),
    path("cache/", WorthView.as_view(), name="cache"),
    path("cache/acts/", CacheActsView.as_view(), name="cache-acts"),
    path("cache/references/", ReferencesView.as_view(), name="cache-references"),
    path("cache/storage/", StorageView.as_view(), name="cache-storage"),
    path("hooks/<uuid:public_id>/push/", PushHookView.as_view(), name="push-hook"),
    path("images/<str:digest>/dossier/", DossierView.as_view(), name="image-dossier"),
    path("images/<str:digest>/verdict/", ImageVerdictView.as_view(), name="image-verdict"),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    path("platforms/", PlatformsView.as_view(), name="platforms"),
    path("remediation/", RemediationView.as_view(), name="remediation"),
    path("vex/", VexView.as_view(), name="vex"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "services/<slug:slug>/comparison/",
        ComparedServiceViewSet.as_view({"get": "comparison"}, pagination_class=None),
        name="service-comparison",
    ),
    *router.urls,
]
