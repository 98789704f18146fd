"""Addresses of base images."""

from django.urls import path

from bases import views

app_name = "bases"

urlpatterns = [
    path("base-images/", views.images, name="list"),
    path("base-images/<uuid:public_id>/", views.image, name="image"),
    path("base-images/<uuid:public_id>/policy/", views.write_policy, name="policy"),
]
