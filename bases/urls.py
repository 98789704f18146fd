"""Addresses of base images."""

from django.urls import path

from bases import updates_views, views

app_name = "bases"

urlpatterns = [
    path("base-images/", views.images, name="list"),
    path("base-images/<uuid:public_id>/", views.image, name="image"),
    path("base-images/<uuid:public_id>/policy/", views.write_policy, name="policy"),
    path("base-images/<uuid:public_id>/try/", updates_views.try_base, name="try"),
    path("base-images/updates/<uuid:public_id>/", updates_views.update, name="update"),
    path("base-images/updates/<uuid:public_id>/patch/", updates_views.patch, name="patch"),
    path("base-images/updates/<uuid:public_id>/cancel/", updates_views.end_update, name="cancel"),
]
