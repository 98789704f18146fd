"""Addresses of trends and changes."""

from django.urls import path

from trends import views

app_name = "trends"

urlpatterns = [
    path("services/<slug:slug>/trends/", views.trend, name="trend"),
    path("services/<slug:slug>/budgets/", views.budgets, name="budgets"),
    path(
        "services/<slug:slug>/budgets/<int:number>/delete/",
        views.budget_delete,
        name="budget-delete",
    ),
    path("changes/", views.changes, name="changes"),
    path("changes/<uuid:public_id>/", views.change, name="change"),
    path(
        "changes/<uuid:public_id>/acknowledge/", views.change_acknowledge, name="change-acknowledge"
    ),
]
