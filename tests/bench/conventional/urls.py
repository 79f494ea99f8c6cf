from django.urls import path

from tests.bench.conventional.view import RoundsView

urlpatterns = [path("callbacks/<slug:provider_code>/rounds", RoundsView.as_view())]
