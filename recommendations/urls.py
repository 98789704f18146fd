"""Addresses of recommendations."""

from django.urls import path

from recommendations import views

app_name = "recommendations"

urlpatterns = [
    path("recommendations/", views.recommendations, name="list"),
    path("recommendations/<slug:digest>/", views.decide_on, name="decide"),
]
