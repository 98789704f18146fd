"""Addresses of the cache."""

from django.urls import path

from cache import views

app_name = "cache"

urlpatterns = [
    path("builds/<uuid:public_id>/why/", views.why, name="why"),
    path("cache/", views.overview, name="overview"),
    path("cache/references/", views.references, name="references"),
    path("cache/storage/", views.storage, name="storage"),
    path("cache/acts/", views.acts, name="acts"),
    path("services/<slug:slug>/steps/<slug:identity>/", views.step, name="step"),
]
