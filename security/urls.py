"""Addresses of scans and findings."""

from django.urls import path

from security import views

app_name = "security"

urlpatterns = [
    path("findings/", views.findings, name="findings"),
    path("findings/<uuid:public_id>/", views.finding, name="finding"),
    path("scans/<uuid:public_id>/", views.scan, name="scan"),
]
