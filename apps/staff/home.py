"""Each person's home page: what awaits them, by role."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince

from apps.core import selectors as core_selectors
from apps.core.admin import LIVE_SCRIPT
from apps.core.admin.live import FRAGMENT_HEADER
from apps.core.deeds import deed_words
from apps.staff import selectors
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.enums import Role
from apps.staff.home_cards import LIMIT, MAX_ROWS, Waiting, waiting_card

type CardMaker = Callable[[HttpRequest], HomeCard | None]

ALL_ROLES: Final = frozenset(Role.values)
# Where traffic is watched. Of others, some homes put each look on record: only a person may look.
_LIVE_ROLES: Final = {Role.INTEGRATION_ENGINEER.value}
_LIVE_SECONDS: Final = 15

_CARDS: list[tuple[int, frozenset[str], CardMaker]] = []


def register_home_card(role_names: Iterable[str], maker: CardMaker, *, place: int = 50) -> None:
    """Show ``maker``'s card to these roles; call it from ``AppConfig.ready()``.

    ``maker`` calls selectors only and returns None where there is nothing to say. Superusers see
    every card. A lower ``place`` comes first; cards of one place stand as they were registered.
    """
    entry = (place, frozenset(role_names), maker)
    if entry not in _CARDS:
        _CARDS.append(entry)
        _CARDS.sort(key=lambda card: card[0])


def home_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's cards to the admin index; Unfold calls it."""
    roles = set(request.user.groups.values_list("name", flat=True)) & ALL_ROLES
    shown = roles | (ALL_ROLES if request.user.is_superuser else set())
    made = [maker(request) for _, names, maker in _CARDS if names & shown]
    cards = [card for card in [awaiting_approvals_card(request), *made] if card is not None]
    is_part = FRAGMENT_HEADER in request.headers
    return {
        **context,
        "title": "Home",
        # The page asks for its cards alone when it renews itself.
        "home_base": "admin/live_fragment.html" if is_part else "admin/base.html",
        "live_seconds": _LIVE_SECONDS if roles == _LIVE_ROLES else 0,
        "live_script": LIVE_SCRIPT,
        "person": request.user,
        "roles": sorted(roles) or (["Superuser"] if request.user.is_superuser else []),
        # What asks for nothing stands last; otherwise each card keeps its place.
        "cards": sorted(cards, key=lambda card: card.is_calm),
    }


def awaiting_approvals_card(request: HttpRequest) -> HomeCard | None:
    """Return what awaits this person's decision, or None for who decides nothing."""
    if not selectors.decidable_kinds(request.user):
        return None
    return waiting_card(
        Waiting(
            title="Approvals awaiting your decision",
            link=reverse("admin:staff_approval_changelist") + "?whose=awaiting",
            empty_text="Nobody waits for your decision.",
            tone="warning",
        ),
        selectors.approvals_awaiting(request.user, limit=LIMIT),
        lambda approval: HomeRow(
            title=approval.title,
            link=reverse("admin:staff_approval_change", args=[approval.pk]),
            meta=f"{approval.requested_by}, {timesince(approval.requested_at, depth=1)} ago",
            tone="warning",
        ),
    )


def own_requests_card(request: HttpRequest) -> HomeCard | None:
    approvals = selectors.approvals_requested_by(request.user, limit=LIMIT)
    if not approvals:
        return None
    return waiting_card(
        Waiting(
            title="Your requests awaiting a colleague",
            link=reverse("admin:staff_approval_changelist") + "?whose=mine",
            empty_text="",
            tone="info",
        ),
        approvals,
        lambda approval: HomeRow(
            title=approval.title,
            link=reverse("admin:staff_approval_change", args=[approval.pk]),
            meta=f"{timesince(approval.requested_at, depth=1)} ago",
        ),
    )


def parked_messages_card(_request: HttpRequest) -> HomeCard:
    return waiting_card(
        Waiting(
            title="Parked background work",
            link=reverse("admin:core_outboxmessage_changelist") + "?state=parked",
            empty_text="Everything that had to run did, or is on its way.",
            tone="danger",
        ),
        core_selectors.parked_messages(limit=LIMIT),
        lambda message: HomeRow(
            title=f"{message.task} #{message.pk}",
            link=reverse("admin:core_outboxmessage_change", args=[message.pk]),
            meta=message.last_error[:60],
            tone="danger",
        ),
    )


def audit_card(_request: HttpRequest) -> HomeCard:
    entries = core_selectors.newest_audit_entries(limit=MAX_ROWS)
    return HomeCard(
        title="Latest in the audit trail",
        value=f"{entries[0].sequence:,}" if entries else "0",
        note="entries, each sealed to the one before",
        link=reverse("admin:core_auditentry_changelist"),
        rows=tuple(
            HomeRow(
                title=f"{deed_words(entry.action)}: {entry.subject}",
                link=reverse("admin:core_auditentry_change", args=[entry.pk]),
                meta=entry.actor_name or "system",
            )
            for entry in entries
        ),
        empty_text="Nothing was recorded yet. Verify the chain with manage.py verify_audit.",
    )
