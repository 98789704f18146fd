"""Addresses of the queue."""

from django.urls import path

from farm import trigger_views, views

app_name = "farm"

urlpatterns = [
    path("queue/", views.queue, name="queue"),
    path("queue/new/", views.trigger_build, name="trigger"),
    path("failures/", views.failures, name="failures"),
    path("triggers/", trigger_views.triggers, name="triggers"),
    path("triggers/hook/", trigger_views.hook_secret, name="hook-secret"),
    path("triggers/schedules/new/", trigger_views.schedule, name="schedule-new"),
    path("triggers/schedules/<uuid:public_id>/", trigger_views.schedule, name="schedule"),
    path(
        "triggers/schedules/<uuid:public_id>/delete/",
        trigger_views.schedule_delete,
        name="schedule-delete",
    ),
    path("services/<slug:slug>/source/", views.source, name="source"),
    path("builds/<uuid:public_id>/live/", views.live, name="live"),
    path("builds/<uuid:public_id>/again/", views.again, name="again"),
    path("builds/<uuid:public_id>/cancel/", views.build_cancel, name="cancel"),
    path("builds/<uuid:public_id>/retry/", views.build_retry, name="retry"),
]
