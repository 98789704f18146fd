"""Addresses of the cache."""

from django.urls import path

from cache import views
from cache.operations import views as operations

app_name = "cache"

urlpatterns = [
    path("builds/<uuid:public_id>/why/", views.why, name="why"),
    path("cache/", views.overview, name="overview"),
    path("cache/references/", views.references, name="references"),
    path("cache/storage/", views.storage, name="storage"),
    path("cache/acts/", views.acts, name="acts"),
    path("cache/operations/", operations.operations, name="operations"),
    path("cache/operations/policy/", operations.policy, name="policy"),
    path("cache/operations/new/<slug:kind>/", operations.operation_new, name="operation-new"),
    path("cache/operations/<uuid:public_id>/", operations.operation, name="operation"),
    path(
        "cache/operations/<uuid:public_id>/confirm/",
        operations.operation_confirm,
        name="operation-confirm",
    ),
    path(
        "cache/operations/<uuid:public_id>/cancel/",
        operations.operation_cancel,
        name="operation-cancel",
    ),
    path("services/<slug:slug>/steps/<slug:identity>/", views.step, name="step"),
]
