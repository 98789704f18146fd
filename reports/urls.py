"""Addresses of dashboards."""

from django.urls import path

from reports import saved_views, security_views, views

app_name = "reports"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("security/", security_views.security, name="security"),
    path("assessment/", security_views.assessment, name="assessment"),
    path("images/<str:digest>/security/", security_views.image_security, name="image-security"),
    path("platforms/", views.platforms, name="platforms"),
    path("wall/", views.wall, name="wall"),
    path("views/", saved_views.saved_views, name="views"),
    path("views/menu/", saved_views.saved_views_menu, name="views-menu"),
    path("views/<slug:token>/", saved_views.shared_view, name="view-shared"),
    path("views/<uuid:public_id>/share/", saved_views.saved_view_share, name="view-share"),
    path("views/<uuid:public_id>/delete/", saved_views.saved_view_delete, name="view-delete"),
]
