"""The addresses of the sign-in, under the names that allauth looks up. No other page is served."""

from django.urls import path

from apps.staff.sign_in import sessions, views

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("confirm/", views.PasswordAgainView.as_view(), name="account_reauthenticate"),
    # Stands before the admin's own, which writes nothing down; its name and links stay.
    path("password_change/", views.OwnPasswordView.as_view(), name="staff_own_password"),
    path("sessions/", sessions.SessionsView.as_view(), name="staff_sessions"),
    path("second-factor/", views.SecondFactorView.as_view(), name="mfa_index"),
    path("second-factor/code/", views.CodeView.as_view(), name="mfa_authenticate"),
    path("second-factor/confirm/", views.CodeAgainView.as_view(), name="mfa_reauthenticate"),
    path("second-factor/enrol/", views.EnrolView.as_view(), name="mfa_activate_totp"),
    path(
        "second-factor/recovery-codes/",
        views.RecoveryCodesView.as_view(),
        name="mfa_view_recovery_codes",
    ),
    path(
        "second-factor/recovery-codes/new/",
        views.NewRecoveryCodesView.as_view(),
        name="mfa_generate_recovery_codes",
    ),
]
