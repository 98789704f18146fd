"""Addresses of verifications and trust policies."""

from django.urls import path

from trust import views

app_name = "trust"

urlpatterns = [
    path("signatures/", views.signatures, name="signatures"),
    path("signatures/<uuid:public_id>/", views.verification, name="verification"),
    path("trust-policies/", views.policies, name="policies"),
    path("trust-policies/<uuid:public_id>/", views.policy, name="policy"),
]
