"""Addresses of scans and findings."""

from django.urls import path

from security import views

app_name = "security"

urlpatterns = [
    path("findings/", views.findings, name="findings"),
    path("findings/<uuid:public_id>/", views.finding, name="finding"),
    path("findings/<uuid:public_id>/owner/", views.finding_owner, name="finding-owner"),
    path("findings/<uuid:public_id>/waiver/", views.waiver_ask, name="waiver-ask"),
    path("remediation/", views.remediation, name="remediation"),
    path("remediation/policy/", views.policy, name="policy"),
    path("statements/", views.documents, name="documents"),
    path("statements/<uuid:public_id>/", views.document, name="document"),
    path("waivers/", views.waivers, name="waivers"),
    path("waivers/<uuid:public_id>/<slug:act>/", views.waiver_decide, name="waiver-decide"),
    path("scans/<uuid:public_id>/", views.scan, name="scan"),
]
