"""The demo's steps in the order in which they are told."""

from typing import Final

from apps.simulator.demo import (
    desk,
    dispute,
    going_live,
    main_job,
    own_wallet,
    register,
    setting_up,
)
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Step

STORY: Final[tuple[Step[Stage], ...]] = (
    Step("Migrate the database", setting_up.migrate),
    Step("Seed roles and people", setting_up.seed),
    Step("Load provider, games, players", setting_up.load_reference_data),
    Step("Register certificates", setting_up.register_certificates),
    Step("Record what runs where", register.record_what_runs),
    Step("Start every process", main_job.start_stack),
    Step("Take yesterday's callbacks", main_job.play_yesterday),
    Step("Take today's callbacks", main_job.play_today),
    Step("Approve and start a campaign", setting_up.launch_campaign),
    Step("Grant a bonus by rule", setting_up.grant_welcome_bonus),
    Step("Take callbacks while both run", main_job.play_live),
    Step("Play from a provider's wallet", own_wallet.play_there),
    Step("Check every answer", main_job.check_answers),
    Step("Pull round logs", main_job.pull_round_logs),
    Step("Reconcile against the truth", main_job.reconcile),
    Step("Flag certificates", main_job.check_certificates),
    Step("Remind of what ends", desk.remind_of_ends),
    Step("Count play without cover", desk.count_uncertified_play),
    Step("Prove the provider's checklist", going_live.prove_checklist),
    Step("Track wagering", main_job.show_wagering),
    Step("Tag promotion events", main_job.show_promotion),
    Step("Settle a dispute by two people", dispute.settle_dispute),
    Step("Settle what was answered late", own_wallet.settle_late_answer),
    Step("Verify the ledger", main_job.verify_ledger),
)
