"""Addresses of the audit trail and of dossiers."""

from django.urls import path

from evidence import views

app_name = "evidence"

urlpatterns = [
    path("audit/", views.trail, name="trail"),
    path("audit/keys/", views.keys, name="keys"),
    path("images/<str:digest>/dossier/", views.dossier, name="dossier"),
    path("audit/<int:sequence>/", views.event, name="event"),
]
