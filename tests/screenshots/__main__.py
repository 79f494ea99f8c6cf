"""``make screenshots``: the README's pictures, taken from what the demo left.

Run ``make demo ONCE=1`` first. Each page is opened by the person whose page it is.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

import django

from apps.core.embedded.servers import ensure_servers
from tests.screenshots.chromium import Chromium, chromium_path

HERE = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
_ROW = "#result_list tbody th a, table tbody th a"

# person, file, page; a page that ends in "#first" is the first row of that list.
PAGES = (
    ("compliance", "home-compliance-officer", "/admin/"),
    ("compliance", "certificates", "/admin/providers/certificate/"),
    ("compliance", "coverage", "/admin/compliance/coveragematrix/"),
    ("compliance", "gaps", "/admin/compliance/coveragematrix/gaps/"),
    ("compliance", "renewal", "/admin/compliance/renewal/#first"),
    ("compliance", "uncertified-play", "/admin/compliance/uncoveredday/"),
    ("agent", "home-cs-agent", "/admin/"),
    ("agent", "case", "/admin/disputes/case/#first"),
    ("agent", "player", "/admin/players/player/#first"),
    ("agent", "round", "/admin/rounds/round/#first"),
    ("supervisor", "home-cs-supervisor", "/admin/"),
    ("supervisor", "approval", "/admin/staff/approval/#first"),
    ("promo", "home-promo-manager", "/admin/"),
    ("promo", "grant", "/admin/bonuses/grant/#first"),
    ("promo", "campaigns", "/admin/promotions/campaign/"),
    ("finance", "home-finance-analyst", "/admin/"),
    ("finance", "reconciliation", "/admin/reconciliation/reconciliationrun/#first"),
    ("finance", "breaks", "/admin/reconciliation/break/"),
    ("finance", "break", "/admin/reconciliation/break/#first"),
    ("finance", "net-position", "/admin/reports/netposition/"),
    ("integration", "home-integration-engineer", "/admin/"),
    ("integration", "onboarding", "/admin/onboarding/onboarding/?q=borealis#first"),
    ("integration", "deliveries", "/admin/rounds/delivery/"),
    ("integration", "delivery", "/admin/rounds/delivery/#first"),
    ("integration", "provider-health", "/admin/reports/providerhealth/?window=24h"),
    ("integration", "key", "/admin/providers/providerkey/#first"),
    ("integration", "add-key", "/admin/providers/providerkey/add/"),
    ("integration", "round-events", "/admin/rounds/roundevent/"),
    ("auditor", "home-auditor", "/admin/"),
    ("auditor", "ledger", "/admin/wallet/transfer/"),
    ("auditor", "audit-trail", "/admin/core/auditentry/"),
)


def main() -> None:
    ensure_servers()
    django.setup()
    path = chromium_path()
    if path is None:
        sys.exit("Chromium was not found; install it (Debian: apt-get install chromium).")
    from apps.core.embedded.supervisor import Stack

    HERE.mkdir(parents=True, exist_ok=True)
    with Stack.from_settings() as stack, Chromium(path) as browser:
        stack.wait_ready(120)
        _take(browser)


def _take(browser: Chromium) -> None:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    base = f"http://{settings.PITBOSS_HOST}:{settings.PITBOSS_WEB_PORT}"
    for username, name, page in PAGES:
        person = Client()
        user = get_user_model().objects.get(username=username)
        person.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookies = {key: morsel.value for key, morsel in person.cookies.items()}
        browser.sign_in(base, cookies)
        address, _, first = page.partition("#")
        file = HERE / f"{name}.png"
        browser.picture(base + address, file)
        if first:
            link = browser.first_link(_ROW)
            if link is None:
                sys.exit(f"{address} shows no row; run `make demo ONCE=1` first.")
            browser.picture(link, file, height=1400)
        print(f"{file.name}: {username} {page}")


if __name__ == "__main__":
    main()
