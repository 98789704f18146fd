"""Addresses of inspections and BuildKit's checks."""

from django.urls import path

from inspections import views

app_name = "inspections"

urlpatterns = [
    path("image-checks/", views.checks, name="checks"),
    path("image-checks/<uuid:public_id>/", views.inspection, name="inspection"),
    path("dockerfile-checks/", views.rules, name="rules"),
]
