"""Addresses of dashboards."""

from django.urls import path

from reports import saved_views, security_views, views
from reports.scheduled import views as scheduled

app_name = "reports"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("security/", security_views.security, name="security"),
    path("assessment/", security_views.assessment, name="assessment"),
    path("images/<str:digest>/security/", security_views.image_security, name="image-security"),
    path("platforms/", views.platforms, name="platforms"),
    path("wall/", views.wall, name="wall"),
    path("reports/", scheduled.schedules, name="schedules"),
    path("reports/new/", scheduled.schedule, name="schedule-new"),
    path("reports/<uuid:public_id>/", scheduled.schedule, name="schedule"),
    path("reports/<uuid:public_id>/send/", scheduled.schedule_send, name="schedule-send"),
    path("reports/<uuid:public_id>/delete/", scheduled.schedule_delete, name="schedule-delete"),
    path("reports/runs/<uuid:public_id>/", scheduled.run, name="run"),
    path("reports/runs/<uuid:public_id>/retry/", scheduled.run_retry, name="run-retry"),
    path("views/", saved_views.saved_views, name="views"),
    path("views/menu/", saved_views.saved_views_menu, name="views-menu"),
    path("views/<slug:token>/", saved_views.shared_view, name="view-shared"),
    path("views/<uuid:public_id>/share/", saved_views.saved_view_share, name="view-share"),
    path("views/<uuid:public_id>/delete/", saved_views.saved_view_delete, name="view-delete"),
]
