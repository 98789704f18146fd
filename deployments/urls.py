"""Addresses of deployments."""

from django.urls import path

from deployments import views

app_name = "deployments"

urlpatterns = [path("deployments/", views.deployments, name="list")]
