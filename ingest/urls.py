"""Addresses of receipts."""

from django.urls import path

from ingest import views

app_name = "ingest"

urlpatterns = [
    path("", views.receipt_list, name="list"),
    path("<uuid:public_id>/", views.receipt_detail, name="detail"),
    path("<uuid:public_id>/replay/", views.receipt_replay, name="replay"),
    path("<uuid:public_id>/dismiss/", views.receipt_dismiss, name="dismiss"),
    path("<uuid:public_id>/raw/<slug:part>/", views.raw_part, name="raw"),
]
