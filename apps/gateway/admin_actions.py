"""What the gateway adds to the pages of the apps below: re-processing, and who signed what."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import ActionCall, Panel, ReasonedAction, at_cell, link_cell
from apps.gateway.services.reprocessing import reprocess_delivery
from apps.providers.key_panels import KeyFacts
from apps.rounds.traffic import deliveries_with_key

_SHOWN = 10


def _reprocess(call: ActionCall) -> str:
    counts = reprocess_delivery(
        delivery_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    return f"Applied again: {told or 'it carries no event'}. A duplicate moved nothing."


REPROCESS = ReasonedAction(
    name="reprocess",
    label="Re-process",
    permission="rounds.change_delivery",
    perform=_reprocess,
    question="The stored bytes go through the one way in again. What was applied already is "
    "answered as a repeat and moves nothing; what was parked or refused is judged anew by today's "
    "rules. The provider is not told.",
    tone="primary",
)


def key_use_panel(request: HttpRequest, key: KeyFacts) -> Panel | None:
    """Show which deliveries a key signed last, for who may see deliveries."""
    if not request.user.has_perm("rounds.view_delivery"):
        return None
    deliveries = deliveries_with_key(key.provider_id, key.kid, limit=_SHOWN)
    query = urlencode({"provider_id": key.provider_id, "key_id": key.kid})
    return Panel(
        title="Last deliveries signed with this key",
        note="Among the provider's newest 20,000.",
        columns=["Received", "Delivery"],
        rows=[
            [
                at_cell(one.received_at),
                link_cell(
                    reverse("admin:rounds_delivery_change", args=[one.pk]),
                    one.message_id or one.pk,
                ),
            ]
            for one in deliveries
        ],
        empty_text="None. Where the key is to end, the provider no longer needs it.",
        link=reverse("admin:rounds_delivery_changelist") + f"?{query}",
    )
