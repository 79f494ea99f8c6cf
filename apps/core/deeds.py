"""What the deeds of the audit chain are called; the chain, exports and the API keep the code.

One home for all apps. A deed that is new here is missed by a test that reads who records what.
"""

from typing import Final

from django.apps import apps

ALERT_PREFIX: Final = "alert:"
_EDITS: Final = {"added": "added", "changed": "changed"}

DEED_WORDS: Final = {
    "aml.access_log.sealed": "Compartment's log sealed into the chain",
    "auditing.export.agreed": "Export agreed to",
    "auditing.export.cancelled": "Export taken back",
    "auditing.export.downloaded": "Export downloaded",
    "auditing.export.failed": "Export failed",
    "auditing.export.file_dropped": "Export's file removed",
    "auditing.export.link_minted": "Download link of an export made",
    "auditing.export.made": "Export made",
    "auditing.export.requested": "Export asked for",
    "auditing.sample.drawn": "Sample drawn",
    "bonuses.grant.expired": "Bonus expired",
    "bonuses.grant.made": "Bonus given",
    "bonuses.rule.retired": "Bonus rule retired",
    "compliance.deskduty.added": "Desk duty given",
    "compliance.feed.made": "Calendar address made",
    "compliance.feed.revoked": "Calendar address revoked",
    "compliance.key_event.drafted": "Key event drafted",
    "compliance.key_event.edited": "Key event edited",
    "compliance.key_event.submitted": "Key event submitted",
    "compliance.notice.written": "Desk told by mail",
    "compliance.renewal.assigned": "Renewal given to a person",
    "compliance.renewal.closed": "Renewal closed",
    "compliance.renewal.moved": "Renewal moved on",
    "compliance.renewal.opened": "Renewal opened",
    "compliance.renewal.planned": "Renewal planned",
    "compliance.renewals.opened": "Renewals opened by the system",
    "core.log.sealed": "Log sealed into the chain",
    "core.outbox.requeued": "Outbox message queued again",
    "core.personal_data.unmasked": "Personal data shown",
    "disputes.case.acknowledged": "Complaint acknowledged",
    "disputes.case.assigned": "Case given to a person",
    "disputes.case.credited": "Case credited",
    "disputes.case.opened": "Case opened",
    "disputes.case.rejected": "Case rejected",
    "disputes.case.resolved": "Case resolved",
    "gateway.player.cashed_out": "Player's money fetched back from a provider",
    "gateway.delivery.reprocessed": "Delivery processed again",
    "gateway.id_scopes.changed": "Scope of ids changed",
    "gateway.round.closed_by_people": "Round closed by two people",
    "gateway.sub_wallets.swept": "Sub-wallets swept",
    "gateway.wallet_model.changed": "Wallet model changed",
    "integrity.digest_accepted": "Digest accepted",
    "onboarding.promise_recorded": "Retention promise recorded",
    "onboarding.went_live": "Provider taken live",
    "operator_api.client.created": "API client made",
    "operator_api.session.ended": "Game session ended by the operator",
    "operator_api.token.issued": "API token issued",
    "operator_api.token.revoked": "API token revoked",
    "play.session.refresh_reused": "Refresh credential used twice",
    "play.signing_key.retired": "Signing key retired",
    "play.signing_key.revoked": "Signing key revoked",
    "players.closure.end_requested": "End of an account closure asked for",
    "players.closure.lifted": "Account closure ended",
    "players.closure.started": "Account closed",
    "players.limit.cancelled": "Waiting limit cancelled",
    "players.limit.set": "Limit set",
    "players.player.mirrored": "Player taken over from the operator",
    "players.protection_records.exported": "Protection records exported",
    "players.rule.checked": "Protection rule checked",
    "players.self_exclusion.end_requested": "End of a self-exclusion asked for",
    "players.self_exclusion.lifted": "Self-exclusion ended",
    "players.self_exclusion.started": "Self-exclusion started",
    "players.standing.changed": "Player's standing changed",
    "players.time_out.end_requested": "End of a time-out asked for",
    "players.time_out.lifted": "Time-out ended",
    "players.time_out.started": "Time-out started",
    "promotions.campaign.ended": "Campaign ended",
    "promotions.campaign.live": "Campaign put live",
    "promotions.campaign.reopened": "Campaign reopened as a draft",
    "promotions.campaign.withdrawn": "Campaign taken out of review",
    "providers.addresses.changed": "Provider's addresses changed",
    "providers.batch.uploaded": "Certificates uploaded in bulk",
    "providers.build.added": "Build added",
    "providers.certificate.build_named": "Build named on a certificate",
    "providers.certificate.invalidated": "Certificate invalidated",
    "providers.certificate.recalled": "Certificate recalled",
    "providers.certificate.registered": "Certificate registered",
    "providers.certificate.reviewed": "Certificate reviewed",
    "providers.certificate.terms_set": "Certificate's terms set",
    "providers.certificate.variant_named": "Variant named on a certificate",
    "providers.certificate.withdrawn": "Certificate withdrawn",
    "providers.change.judged": "Change of a build judged",
    "providers.deployment.added": "Deployment added",
    "providers.deployment.ended": "Deployment ended",
    "providers.document.altered": "Document found altered",
    "providers.document.downloaded": "Document downloaded",
    "providers.document.intact": "Document found intact again",
    "providers.document.link_minted": "Download link of a document made",
    "providers.document.missing": "Document found missing",
    "providers.document.quarantined": "Document put in quarantine",
    "providers.draft.confirmed": "Fields of a draft confirmed",
    "providers.draft.discarded": "Draft discarded",
    "providers.draft.opened": "Draft opened",
    "providers.draft.registered": "Draft registered",
    "providers.key.activated": "Webhook key in force",
    "providers.key.added": "Webhook key added",
    "providers.key.ending": "Webhook key's end set",
    "providers.key.proposed": "Webhook key proposed",
    "providers.key.retired": "Webhook key retired",
    "providers.key.revoked": "Webhook key revoked",
    "providers.lab.accredited": "Laboratory accredited",
    "providers.offer.restored": "Offer restored",
    "providers.offer.withdrawn": "Offer withdrawn",
    "providers.override.ended": "Cover override ended",
    "providers.override.opened": "Cover override opened",
    "providers.quarantine.released": "Document released from quarantine",
    "providers.root.proposed": "Root certificate proposed",
    "providers.root.trusted": "Root certificate trusted",
    "providers.root.uploaded": "Root certificate uploaded",
    "providers.root.withdrawn": "Trust in a root withdrawn",
    "providers.variant.added": "Variant added",
    "providers.variant.source_named": "Source of a variant named",
    "reconciliation.day_reconciled": "Day reconciled",
    "reconciliation.statement_imported": "Statement imported",
    "reports.net_position.exported": "Net position exported",
    "staff.approval.cancelled": "Approval taken back",
    "staff.approval.executed": "Approved and executed",
    "staff.approval.expired": "Approval expired",
    "staff.approval.rejected": "Approval rejected",
    "staff.approval.requested": "Approval asked for",
    "staff.approval.void": "Approval void",
    "staff.auditor_seat.granted": "Auditor's seat given",
    "staff.auditor_seat.revoked": "Auditor's seat revoked",
    "staff.mfa.enrolled": "Second factor enrolled",
    "staff.mfa.recovery_codes_made": "Recovery codes made",
    "staff.mfa.reset": "Second factor reset",
    "staff.roles.synced": "Roles applied",
    "staff.user.other_sessions_ended": "Own other sessions ended",
    "staff.user.password_set": "Password set for a person",
    "staff.user.seeded": "Person seeded",
    "staff.user.session_ended": "Own session ended",
    "staff.user.sessions_ended": "A person's sessions ended",
    "wallet.finding.explained": "Wallet finding explained",
    "wallet.receivable.ended": "Receivable settled or written off",
    "wallet.sealed": "Ledger sealed",
    "wallet.transfer.asked_again": "Provider asked about a transfer",
    "wallet.transfer.decided_by_people": "Transfer decided by two people",
    # What was sent to the channels.
    "alert:compliance.certificate_lapsing": "Alert: a certificate lapses",
    "alert:compliance.uncertified_play": "Alert: played without a certificate",
    "alert:integrity.fault_opened": "Alert: an uncertified file runs",
    "alert:onboarding.item_broke": "Alert: a live provider lost a proof",
    "alert:providers.document_damaged": "Alert: a document is damaged",
    "alert:reconciliation.alert_raised": "Alert: a day does not add up",
    "alert:reconciliation.statement_refused": "Alert: a statement was refused",
    "alert:rounds.conflict_seen": "Alert: a provider contradicts itself",
    "alert:rounds.player_overdrawn": "Alert: a player is overdrawn",
    "alert:rounds.stuck": "Alert: rounds are stuck",
    "alert:wallet.wallet_drifted": "Alert: a wallet drifted",
}


def deed_words(action: str) -> str:
    """Say what was done; a code from before this list stands for itself."""
    return DEED_WORDS.get(action) or _edit_words(action) or action


def deeds_called(words: str) -> list[str]:
    """Return the codes of the deeds that people call so, in any case."""
    return [code for code, called in DEED_WORDS.items() if called.casefold() == words.casefold()]


def _edit_words(action: str) -> str:
    """Name the edit of a row that staff keep by hand: ``app.model.changed``."""
    label, _, verb = action.rpartition(".")
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return ""
    name = str(model._meta.verbose_name)
    return f"{name[:1].upper()}{name[1:]} {_EDITS[verb]}" if verb in _EDITS else ""
