"""Who listens to what: event topic -> names of Celery tasks, one line each, with its reason."""

SUBSCRIPTIONS: dict[str, list[str]] = {
    # Nobody plays on in a session from before: the stake check refuses, and the session ends.
    "players.excluded": ["play.end_sessions"],
    # A player asked for reality checks more often: sessions that run learn when the next is due.
    "players.reality_checks_moved": ["play.move_reality_checks"],
    # Nobody there plays on in a game that is not offered any more; what was staked is settled.
    "providers.offer_withdrawn": ["play.end_sessions_of_offer"],
    # A game may not be served any more where it is played: what runs ends, what was staked is
    # settled. What lapses by time is found by the sweep (``play.end_sessions_the_gate_refuses``).
    "providers.report_taken_back": ["play.end_sessions_of_report"],
    "players.moved": ["play.end_sessions_of_mover"],
    # A new provider gets its checklist: it is rehearsed with until two people take it live.
    "providers.provider_added": ["onboarding.open"],
    # Something proven of a provider before it went live does not hold any more.
    "onboarding.item_broke": ["reports.raise_alert"],
    # A game server runs a file that no laboratory tested: the game is closed, people must know.
    "integrity.fault_opened": ["reports.raise_alert", "play.end_sessions_of_fault"],
    # A provider contradicts itself; money may be wrong on one of the two sides.
    "rounds.conflict_seen": ["reports.raise_alert"],
    # A document that proves cover is gone or altered: its games are no longer covered.
    "providers.document_damaged": ["reports.raise_alert"],
    # A played round cost more than the player had: somebody must decide about the receivable.
    "rounds.player_overdrawn": ["reports.raise_alert"],
    # A provider never finished rounds that hold players' stakes: ask it, then two people decide.
    "rounds.stuck": ["reports.raise_alert"],
    # What a provider sent is stored and can't be applied: its money waits until somebody mends it.
    "rounds.delivery_not_judged": ["reports.raise_alert"],
    # A day does not add up, or touches a player.
    "reconciliation.alert_raised": ["reports.raise_alert"],
    # The provider must send another file.
    "reconciliation.statement_refused": ["reports.raise_alert"],
    # A certificate ends: its renewal's owner, or the deputy, is told by mail, and the channels are.
    "compliance.reminder_due": ["reports.mail_reminder"],
    "compliance.certificate_lapsing": ["reports.raise_alert"],
    # A key event's clock or a lab's accreditation runs out: those who can act are told by mail.
    "compliance.notice_due": ["reports.mail_notice"],
    # Players staked on what no report covered: an officer must know the same hour.
    "compliance.uncertified_play": ["reports.raise_alert"],
    # A day that is over has other cover or other play than was counted: it is counted again.
    "providers.past_cover_moved": ["compliance.recount_games"],
    "rounds.past_play_taken": ["compliance.recount_play"],
    # Money left a pot for a provider's wallet: the provider must be told.
    "wallet.game_transfer_requested": ["gateway.pursue_transfer"],
    # A sub-wallet or a wallet at a provider isn't what the provider says it is.
    "wallet.wallet_drifted": ["reports.raise_alert"],
}
