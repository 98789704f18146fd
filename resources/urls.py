"""Addresses of builders. Their names are whatever builds say: slashes too."""

from django.urls import path

from resources import views

app_name = "resources"

urlpatterns = [
    path("builders/", views.builders, name="builders"),
    path("builders/<path:name>/", views.builder, name="builder"),
]
