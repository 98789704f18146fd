"""Addresses of alerts, rules and silences."""

from django.urls import path

from alerts import rule_views, silence_views, views

app_name = "alerts"

urlpatterns = [
    path("alerts/", views.alerts, name="list"),
    path("alerts/all/", views.all_alerts, name="all"),
    path("alerts/rules/", rule_views.rules, name="rules"),
    path("alerts/rules/new/", rule_views.rule_new, name="rule-new"),
    path("alerts/rules/<uuid:public_id>/", rule_views.rule, name="rule"),
    path("alerts/rules/<uuid:public_id>/delete/", rule_views.rule_delete, name="rule-delete"),
    path("alerts/silences/", silence_views.silences, name="silences"),
    path("alerts/silences/<uuid:public_id>/end/", silence_views.silence_end, name="silence-end"),
    path("alerts/<uuid:public_id>/", views.alert, name="alert"),
    path("alerts/<uuid:public_id>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("alerts/<uuid:public_id>/resolve/", views.resolve, name="resolve"),
    path("alerts/<uuid:public_id>/note/", views.add_note, name="note"),
    path("alerts/<uuid:public_id>/own/", views.own, name="own"),
]
