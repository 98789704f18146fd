"""Addresses of sizes and images."""

from django.urls import path

from sizes import views

app_name = "sizes"

urlpatterns = [
    path("images/", views.images, name="images"),
    path("images/<str:digest>/", views.image, name="image"),
    path("services/<slug:slug>/sizes/", views.sizes, name="sizes"),
]
