"""Addresses of packages and bills of materials."""

from django.urls import path

from sboms import views

app_name = "sboms"

urlpatterns = [
    path("packages/", views.packages, name="packages"),
    path("packages/diff/", views.builds_difference, name="builds-diff"),
    path("sboms/", views.sboms, name="sboms"),
    path("sboms/<uuid:public_id>/", views.sbom, name="sbom"),
    path("sboms/<uuid:public_id>/diff/", views.difference, name="diff"),
]
