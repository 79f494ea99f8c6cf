"""Where allauth asks us: nobody signs up, axes counts failures, secrets are encrypted at rest."""

from typing import TYPE_CHECKING, Any, override

from django.http import HttpRequest

from apps.core.fields import decrypt, encrypt
from apps.staff.sign_in.proofs import proved_lately

if TYPE_CHECKING:

    class DefaultAccountAdapter:
        """What we use of allauth's class, which has no types that we may follow."""

        request: HttpRequest

        def is_open_for_signup(self, request: HttpRequest) -> bool: ...
        def add_message(self, *args: Any, **kwargs: Any) -> None: ...
        def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None: ...
        def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]: ...
        def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool: ...

    class DefaultMFAAdapter:
        """As above."""

        def encrypt(self, text: str) -> str: ...
        def decrypt(self, encrypted_text: str) -> str: ...
        def get_totp_label(self, user: Any) -> str: ...
else:
    from allauth.account.adapter import DefaultAccountAdapter
    from allauth.mfa.adapter import DefaultMFAAdapter


class StaffAccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators only."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    @override
    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our pages show what came of it."""

    @override
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave counting to axes, which locks a person at one address and not everywhere."""

    @override
    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        methods = super().get_reauthentication_methods(user)
        codes = [method for method in methods if method["id"] == "mfa_reauthenticate"]
        return codes or methods

    @override
    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not proved_lately(self.request)


class StaffMFAAdapter(DefaultMFAAdapter):
    """Seeds are ciphertext in the database (PITBOSS_ENCRYPTION_KEYS)."""

    @override
    def encrypt(self, text: str) -> str:
        return encrypt(text)

    @override
    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)

    @override
    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())


def username_of_attempt(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """Return whose failure axes counts: the form's field is allauth's, the credential Django's."""
    return (credentials or {}).get("username") or request.POST.get("login")
