"""All addresses."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from buildinsights import health
from buildinsights.help import guide
from buildinsights.styleguide import styleguide
from reports.scheduled.unsubscribing import unsubscribe
from reports.views import home

urlpatterns = [
    path("", home, name="home"),
    path("login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("api/v1/", include("buildinsights.api")),
    path("projects/<slug:project_slug>/", include("reports.urls")),
    path("projects/<slug:project_slug>/", include("alerts.urls")),
    path("projects/<slug:project_slug>/", include("evidence.urls")),
    path("projects/<slug:project_slug>/", include("farm.urls")),
    path("projects/<slug:project_slug>/", include("cache.urls")),
    path("projects/<slug:project_slug>/", include("policies.urls")),
    path("projects/<slug:project_slug>/", include("deployments.urls")),
    path("projects/<slug:project_slug>/", include("security.urls")),
    path("projects/<slug:project_slug>/", include("inspections.urls")),
    path("projects/<slug:project_slug>/", include("trust.urls")),
    path("projects/<slug:project_slug>/", include("sboms.urls")),
    path("projects/<slug:project_slug>/", include("trends.urls")),
    path("projects/<slug:project_slug>/", include("sizes.urls")),
    path("projects/<slug:project_slug>/", include("resources.urls")),
    path("projects/<slug:project_slug>/", include("bases.urls")),
    path("projects/<slug:project_slug>/", include("recommendations.urls")),
    path("projects/<slug:project_slug>/builds/", include("builds.urls")),
    path("projects/<slug:project_slug>/services/", include("reports.service_urls")),
    path("projects/<slug:project_slug>/receipts/", include("ingest.urls")),
    path("projects/<slug:project_slug>/settings/", include("accounts.urls")),
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("projects/<slug:project_slug>/settings/", include("channels.urls")),
    path("help/<slug:name>/", guide, name="guide"),
    path("admin/", admin.site.urls),
    path("livez", health.livez),
    path("readyz", health.readyz),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
