from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.compliance.api import views as compliance_views
from apps.play.api import views as play_views
from config import health

# allauth asks for it by this name, as Django does for its own.
handler429 = "apps.staff.sign_in.turned_away.too_many_requests"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", include("apps.staff.sign_in.urls")),  # before the admin's own login page
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include("apps.operator_api.api.urls")),
    path("calendar.ics", compliance_views.calendar_feed, name="calendar_feed"),
    path("play/launch", play_views.launch, name="launch"),
    path(".well-known/jwks.json", play_views.published_keys, name="jwks"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
