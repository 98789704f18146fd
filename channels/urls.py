"""Addresses of channels, among the settings of a project."""

from django.urls import path

from channels import views

app_name = "channels"

urlpatterns = [
    path("channels/", views.channels, name="channels"),
    path("channels/new/<slug:kind>/", views.new, name="new"),
    path("channels/<uuid:public_id>/", views.channel, name="channel"),
    path("channels/<uuid:public_id>/test/", views.test, name="test"),
    path("channels/<uuid:public_id>/switch/", views.switch, name="switch"),
    path("channels/<uuid:public_id>/rotate/", views.rotate, name="rotate"),
    path("channels/<uuid:public_id>/delete/", views.delete, name="delete"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<uuid:public_id>/", views.delivery, name="delivery"),
    path("deliveries/<uuid:public_id>/retry/", views.retry, name="retry"),
]
