"""Addresses of pages about builds."""

from django.urls import path

from builds import views

app_name = "builds"

urlpatterns = [
    path("", views.build_list, name="list"),
    path("<uuid:public_id>/", views.build_detail, name="detail"),
    path("<uuid:public_id>/log/", views.build_log, name="log"),
    path("<uuid:public_id>/compare/", views.build_compare, name="compare"),
]
