"""Addresses of policies and verdicts."""

from django.urls import path

from policies import views

app_name = "policies"

urlpatterns = [
    path("policies/", views.policies, name="policies"),
    path("policies/new/", views.new, name="new"),
    path("policies/<slug:slug>/", views.policy, name="policy"),
    path("policies/<slug:slug>/retire/", views.retire, name="retire"),
    path("verdicts/", views.verdicts, name="verdicts"),
    path("verdicts/<uuid:public_id>/", views.verdict, name="verdict"),
]
