"""How mail leaves: through a server that encrypts, or as files that a developer reads."""

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_PORTS = {"smtps": 465, "smtp+starttls": 587}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Without a host mails are written to files in the data directory."""

    backend: str = "django.core.mail.backends.filebased.EmailBackend"
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    uses_ssl: bool = False
    uses_starttls: bool = False


def mail_server(url: str | None) -> MailServer:
    """Read PITBOSS_MAIL_URL.

    Raises ImproperlyConfigured where it would send a mail or a password in the clear.
    """
    if url is None:
        return MailServer()
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ImproperlyConfigured(
            "PITBOSS_MAIL_URL must read smtps://user:password@host or smtp+starttls://..."
        )
    return MailServer(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        uses_ssl=parts.scheme == "smtps",
        uses_starttls=parts.scheme == "smtp+starttls",
    )


def mail_domain(sender: str) -> str:
    """Return what stands after the @ of the sender, for Message-IDs."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"
