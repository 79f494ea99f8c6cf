"""F14: the pages that show documents, in Chromium, with the hostile corpus open: nothing runs."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, override

import pytest
from django.conf import settings
from django.test import Client

from apps.providers.enums import Door
from apps.providers.errors import PdfRefusedError
from apps.providers.models import CertificateDraft, QuarantinedFile
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.drafts import Upload, open_draft
from apps.providers.services.intake import Sender
from tests.factories import make_user
from tests.providers.certificate_files import SAMPLES, changed_pdf, linked, plain_pdf
from tests.providers.test_certificate_admin import OFFICER
from tests.screenshots.chromium import Chromium, chromium_path

pytestmark = [
    pytest.mark.usefixtures("evidence"),
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed"),
]

# Would run, or call out, wherever text of a document reached a page as markup.
MARKUP = (
    "'\"></textarea><img src=//evil.invalid/x onerror=document.title='owned'>"
    "<script>alert(1)</script>"
)
_ACTIVE = "document.querySelectorAll('embed, object, iframe, applet, .pb-review script').length"


class Watcher(Chromium):
    """Opens pages and keeps what they asked for and what they said."""

    def open(self, url: str, file: Path) -> list[dict[str, Any]]:
        self.seen: list[dict[str, Any]] = []
        self.picture(url, file)
        return self.seen

    @override
    def _read(self) -> dict[str, Any]:
        message = super()._read()
        if hasattr(self, "seen"):
            self.seen.append(message)
        return message


def test_the_review_and_quarantine_pages_run_nothing_and_call_nobody(
    live_server: Any, tmp_path: Path
) -> None:
    olivia = make_user("olivia", permissions=OFFICER)
    markup = plain_pdf(f"Report number: {MARKUP}", f"Conditions: {MARKUP}", f"{MARKUP}")
    pages = []
    with PdfVetter() as vetter:
        sender = Sender(Door.FORM, olivia, datetime.now(UTC), vetter)
        safe = (
            ("tables.pdf", (SAMPLES / "tables.pdf").read_bytes()),
            (f"{MARKUP}.pdf", markup),
            ("link.pdf", changed_pdf(linked("https://evil.invalid/link"))),
        )
        for name, data in safe:
            draft = open_draft(Upload(data, name), sender).draft
            pages.append(f"/admin/providers/certificatedraft/{draft.pk}/change/")
        for path in sorted((SAMPLES / "hostile").glob("*.pdf")):
            with pytest.raises(PdfRefusedError):
                open_draft(Upload(path.read_bytes(), f"{MARKUP}{path.name}"), sender)
    pages += [
        f"/admin/providers/quarantinedfile/{pk}/change/"
        for pk in QuarantinedFile.objects.values_list("pk", flat=True)
    ]
    pages += ["/admin/providers/quarantinedfile/", "/admin/providers/certificatedraft/"]
    assert (CertificateDraft.objects.count(), len(pages)) == (3, 11)

    client = Client()
    client.force_login(olivia)
    found = chromium_path()
    assert found is not None
    with Watcher(found) as browser:
        name = settings.SESSION_COOKIE_NAME
        browser.sign_in(live_server.url, {name: client.cookies[name].value})
        for page in pages:
            seen = browser.open(live_server.url + page, tmp_path / "page.png")
            asked = {
                message["params"]["request"]["url"]
                for message in seen
                if message.get("method") == "Network.requestWillBeSent"
            }
            assert asked, page
            assert not [url for url in asked if not url.startswith((live_server.url, "data:"))]
            spoken = [m["method"] for m in seen if "Dialog" in m.get("method", "")]
            assert spoken == [], page
            assert "owned" not in browser.value("document.title"), page
            assert browser.value(_ACTIVE) == 0, page


def test_a_file_over_the_limit_is_told_before_it_is_sent(live_server: Any, tmp_path: Path) -> None:
    client = Client()
    client.force_login(make_user("olivia", permissions=OFFICER))
    found = chromium_path()
    assert found is not None
    with Watcher(found) as browser:
        name = settings.SESSION_COOKIE_NAME
        browser.sign_in(live_server.url, {name: client.cookies[name].value})
        for page, most in (
            ("/admin/providers/certificate/add/", 10 * 1024 * 1024),
            ("/admin/providers/trustedroot/add/", 64 * 1024),
        ):
            browser.open(live_server.url + page, tmp_path / "page.png")
            told = []
            for size in (most, most + 1):
                browser.value(_CHOOSE.format(size=size))
                told.append(browser.value(f"{_NOTE}.innerText"))
                sent = browser.value(
                    "document.querySelector('.pb-panel form')"
                    ".dispatchEvent(new Event('submit', {cancelable: true}))"
                )
                assert sent == (size == most), page
            said = f"large.pdf has {most + 1:,} bytes; at most {most:,} bytes are taken. "
            assert told == ["", f"{said}Nothing was sent: choose a smaller file."]


_NOTE = "document.querySelector('.pb-panel [role=alert]')"
_CHOOSE = """
(() => {{
    const input = document.querySelector('.pb-panel input[type=file]');
    const chosen = new DataTransfer();
    chosen.items.add(new File([new ArrayBuffer({size})], 'large.pdf'));
    input.files = chosen.files;
    input.dispatchEvent(new Event('change', {{bubbles: true}}));
}})()
"""
