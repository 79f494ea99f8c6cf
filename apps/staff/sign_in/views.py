"""The pages of the sign-in: allauth's views inside the admin's frame."""

from typing import TYPE_CHECKING, Any, override

from allauth.account import views as account_views
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from unfold.forms import AdminOwnPasswordChangeForm

from apps.staff import selectors, services
from apps.staff.sign_in.proofs import is_enrolled

if TYPE_CHECKING:
    from django.views.generic import FormView

    class _View(FormView[Any]):
        """What we use of allauth's views, which have no types that we may follow."""

        request: HttpRequest

    class _Page(_View):
        """As above."""

    _SignIn = _Page
    _PasswordAgain = _Page
    _OwnPassword = _Page
    _Code = _Page
    _CodeAgain = _Page
    _Index = _Page
    _Enrol = _Page
    _Codes = _Page
    _NewCodes = _Page
else:
    _View = object
    _SignIn = account_views.LoginView
    _PasswordAgain = account_views.ReauthenticateView
    _OwnPassword = PasswordChangeView
    _Code = mfa_views.AuthenticateView
    _CodeAgain = mfa_views.ReauthenticateView
    _Index = mfa_views.IndexView
    _Enrol = totp_views.ActivateTOTPView
    _Codes = recovery_views.ViewRecoveryCodesView
    _NewCodes = recovery_views.GenerateRecoveryCodesView


class _InAdmin(_View):
    """Gives a page the admin's context: title, look and colours."""

    title = ""

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**admin.site.each_context(self.request), "title": self.title, **context}


class SignInView(_InAdmin, _SignIn):
    title = "Sign in"


class CodeView(_InAdmin, _Code):
    title = "Your code"


class PasswordAgainView(_InAdmin, _PasswordAgain):
    title = "Confirm that it is you"


class CodeAgainView(_InAdmin, _CodeAgain):
    title = "Confirm that it is you"


class OwnPasswordView(_InAdmin, _OwnPassword):
    title = "Change your password"
    form_class = AdminOwnPasswordChangeForm
    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("admin:password_change_done")

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        user: Any = self.request.user
        with transaction.atomic():
            response = super().form_valid(form)
            services.note_own_password(user=user, now=timezone.now())
        return response


class SecondFactorView(_InAdmin, _Index):
    title = "Second factor"

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.request.user.pk or 0
        return super().get_context_data(
            since=selectors.second_factor_since(person),
            codes_left=selectors.recovery_codes_left(person),
            **kwargs,
        )


class EnrolView(_InAdmin, _Enrol):
    title = "Set up your second factor"

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and is_enrolled(request):
            # Nobody removes their own: a reset takes two people.
            return HttpResponseRedirect(reverse("mfa_index"))
        return super().dispatch(request, *args, **kwargs)

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        user: Any = self.request.user
        with transaction.atomic():
            response = super().form_valid(form)
            services.note_enrolment(user=user, code=form.cleaned_data["code"], now=timezone.now())
        # The code that proved the app is this session's second factor too.
        record_authentication(self.request, user, "mfa", type="totp", reauthenticated=True)
        return response


class RecoveryCodesView(_InAdmin, _Codes):
    title = "Recovery codes"


class NewRecoveryCodesView(_InAdmin, _NewCodes):
    title = "New recovery codes"

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        user: Any = self.request.user
        with transaction.atomic():
            response = super().form_valid(form)
            services.note_new_recovery_codes(user=user, now=timezone.now())
        return response
