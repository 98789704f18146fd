"""Addresses of the queue."""

from django.urls import path

from farm import views

app_name = "farm"

urlpatterns = [
    path("queue/", views.queue, name="queue"),
    path("queue/new/", views.trigger_build, name="trigger"),
    path("failures/", views.failures, name="failures"),
    path("services/<slug:slug>/source/", views.source, name="source"),
    path("builds/<uuid:public_id>/live/", views.live, name="live"),
    path("builds/<uuid:public_id>/cancel/", views.build_cancel, name="cancel"),
    path("builds/<uuid:public_id>/retry/", views.build_retry, name="retry"),
]
