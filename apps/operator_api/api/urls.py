from django.urls import path, re_path

from apps.operator_api.api import (
    schema,  # noqa: F401 - registers the authentication scheme
    views,
)

app_name = "operator_api"
urlpatterns = [
    path("sessions", views.SessionsView.as_view(), name="sessions"),
    path("sessions/<str:session_id>/refresh", views.RefreshView.as_view(), name="refresh"),
    path(
        "sessions/<str:session_id>/reality-checks",
        views.RealityChecksView.as_view(),
        name="reality-checks",
    ),
    path(
        "sessions/<str:session_id>/reality-checks/<str:check_id>/answer",
        views.RealityCheckAnswerView.as_view(),
        name="reality-check-answer",
    ),
    path("sessions/<str:session_id>", views.SessionView.as_view(), name="session"),
    path("transfers", views.TransfersView.as_view(), name="transfers"),
    path("transfers/<str:transfer_id>", views.TransferView.as_view(), name="transfer"),
    path("cash-outs", views.CashOutsView.as_view(), name="cash-outs"),
    path("players/<str:player_id>/balance", views.BalanceView.as_view(), name="balance"),
    path(
        "players/<str:player_id>/balance-at-provider",
        views.BalanceAtProviderView.as_view(),
        name="balance-at-provider",
    ),
    path("players/<str:player_id>/bonuses", views.BonusesView.as_view(), name="bonuses"),
    path(
        "players/<str:player_id>/withdrawal-eligibility",
        views.EligibilityView.as_view(),
        name="withdrawal-eligibility",
    ),
    path("players/<str:player_id>", views.PlayerView.as_view(), name="player"),
    path(
        "rounds/<str:provider>/<str:event_id>", views.RoundEventView.as_view(), name="round-event"
    ),
    path("digest-reports", views.DigestReportsView.as_view(), name="digest-reports"),
    path("certificates", views.CertificatesView.as_view(), name="certificates"),
    path("can-serve", views.CanServeView.as_view(), name="can-serve"),
    re_path(r"", views.NothingHereView.as_view(), name="nothing-here"),
]
