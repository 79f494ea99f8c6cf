"""allauth's forms in the admin's dress, with codes that are spent in the database."""

from typing import TYPE_CHECKING, Any, override

from allauth.account.adapter import get_adapter as account_adapter
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.models import Authenticator
from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from apps.staff import services
from apps.staff.errors import CodeAlreadySpentError

if TYPE_CHECKING:

    class _LoginForm(forms.Form):
        """What we use of allauth's class, which has no types that we may follow."""

        user: Any

    class _CodeForm(forms.Form):
        """As above."""

        user: Any
        authenticator: Authenticator

        def clean_code(self) -> str: ...

    class _Form(_CodeForm):
        """As above."""

    _AuthenticateForm = _Form
    _ReauthenticateForm = _Form
    _ActivateForm = _Form
    _PasswordForm = forms.Form
else:
    from allauth.account.forms import LoginForm as _LoginForm
    from allauth.account.forms import ReauthenticateForm as _PasswordForm
    from allauth.mfa.base.forms import (
        AuthenticateForm as _AuthenticateForm,
    )
    from allauth.mfa.base.forms import (
        ReauthenticateForm as _ReauthenticateForm,
    )
    from allauth.mfa.totp.forms import ActivateTOTPForm as _ActivateForm

    _CodeForm = object


class SignInForm(_LoginForm):
    """User name and password of somebody who may enter the back office."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "User name"
        self.fields["login"].widget = UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "username", "autofocus": True}
        )
        _dress_password(self.fields["password"])

    @override
    def clean(self) -> Any:
        cleaned = super().clean()
        if self.user is not None and not self.user.is_staff:
            # The same words as for a wrong password.
            raise account_adapter().validation_error("username_password_mismatch")
        return cleaned


class PasswordAgainForm(_PasswordForm):
    """The password once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_password(self.fields["password"])
        self.fields["password"].widget.attrs["autofocus"] = True


class _SpentOnce(_CodeForm):
    """A right code is used up in the database; the library's own memory is a cache."""

    @override
    def clean_code(self) -> str:
        code = super().clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP:
            try:
                services.spend_totp_code(user_id=self.user.pk, code=code)
            except CodeAlreadySpentError as spent:
                raise mfa_adapter().validation_error("incorrect_code") from spent
        return code


class CodeForm(_SpentOnce, _AuthenticateForm):
    """The second step of the sign-in: a code of the app, or a recovery code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self.fields["code"])


class CodeAgainForm(_SpentOnce, _ReauthenticateForm):
    """A code once more, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self.fields["code"])


class EnrolForm(_ActivateForm):
    """The first code of a new authenticator app, which proves that it was set up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress_code(self.fields["code"])


def _dress_password(field: forms.Field) -> None:
    field.help_text = ""
    field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"})


def _dress_code(field: forms.Field) -> None:
    field.label = "Code"
    field.widget = UnfoldAdminTextInputWidget(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    )
