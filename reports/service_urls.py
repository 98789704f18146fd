"""Addresses of pages about services."""

from django.urls import path

from reports import views

app_name = "services"

urlpatterns = [
    path("", views.service_list, name="list"),
    path("<slug:slug>/", views.service_detail, name="detail"),
    path("<slug:slug>/comparison/", views.service_comparison, name="comparison"),
]
