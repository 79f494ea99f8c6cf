"""The product's main job, once around, each part held against what the provider knows."""

import time
from datetime import date
from typing import Any, Final

from apps.bonuses.selectors import grants_out_of_step, progress_of_player
from apps.core.money import display_money
from apps.players.selectors import player_by_ref
from apps.promotions.selectors import tag_counts_since
from apps.simulator.borealis.faults import DeliveryKind
from apps.simulator.borealis.home import CODE, REGULAR_PLAYER
from apps.simulator.certificates.folder import make_lab_folder
from apps.simulator.certificates.reports import expected_flags
from apps.simulator.demo.commands import run_json
from apps.simulator.demo.register import reports_on_file
from apps.simulator.demo.setting_up import REQUIRED_MINOR
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding

# A busy machine needs minutes to import everything six times; a free one a few seconds.
START_SECONDS: Final = 300
LIVE_SECONDS: Final = 3

# What every delivery of a kind must have been answered with; NORMAL ones with nothing else.
STATUSES: dict[str, set[str]] = {
    DeliveryKind.NORMAL: {"accepted", "tentative"},
    DeliveryKind.DUPLICATE: {"duplicate"},
    DeliveryKind.BAD_CHECKSUM: {"rejected"},
    DeliveryKind.CONFLICT: {"conflict"},
    DeliveryKind.FORGED: set(),
}


def start_stack(stage: Stage) -> Finding:
    """Start web, gateway, worker, beat, relay and the reference provider."""
    stage.stack.start()
    stage.stack.wait_ready(START_SECONDS)
    states = stage.stack.states()
    return Finding(
        is_held=all(state == "RUNNING" for state in states.values()),
        text=", ".join(sorted(states)) + " run.",
        figures={"processes": states},
    )


def play_yesterday(stage: Stage) -> Finding:
    """Play a day that is over."""
    return _play(stage, {"rounds": stage.rounds.yesterday, "day": stage.yesterday, "key": "past"})


def play_today(stage: Stage) -> Finding:
    """Play the day so far."""
    return _play(stage, {"rounds": stage.rounds.today, "day": stage.today, "key": "today"})


def play_live(stage: Stage) -> Finding:
    """Play once more: these rounds happen while the campaign and the bonus run."""
    began = stage.clock()
    # Rounds need time to happen in; a few seconds hold several hundred.
    time.sleep(LIVE_SECONDS)
    order = {"rounds": stage.rounds.live, "day": stage.today, "key": "live"}
    return _play(stage, {**order, "after": began.isoformat()})


def _play(stage: Stage, order: dict[str, Any]) -> Finding:
    key = f"{stage.run_key}:{order['key']}"
    run = stage.provider.play({**order, "key": key}, tell=stage.tell)
    return Finding(
        is_held=run["queued"] == 0,
        text=f"{run['rounds']:,} rounds on {run['day']}: {run['events']:,} events in "
        f"{run['deliveries']:,} deliveries, all answered.",
        figures=run,
    )


def check_answers(stage: Stage) -> Finding:
    """Every honest callback was taken; each repeat, forgery and conflict was seen as such."""
    wrong: list[str] = []
    figures: dict[str, Any] = {}
    for day in stage.days:
        for kind, seen in stage.provider.truth(day)["deliveries"].items():
            total = figures.setdefault(kind, {"deliveries": 0, "http": {}, "statuses": {}})
            total["deliveries"] += seen["deliveries"]
            for part in ("http", "statuses"):
                for key, count in seen[part].items():
                    total[part][key] = total[part].get(key, 0) + count
    for kind, total in figures.items():
        http = {"401"} if kind == DeliveryKind.FORGED else {"200"}
        if set(total["http"]) != http or not set(total["statuses"]) <= STATUSES[kind]:
            wrong.append(f"{kind} got {total['http']} {total['statuses']}")
    text = "; ".join(wrong) or ", ".join(
        f"{total['deliveries']:,} {kind.replace('_', ' ')}"
        for kind, total in sorted(figures.items())
    )
    return Finding(is_held=not wrong, text=text, figures=figures)


def pull_round_logs(stage: Stage) -> Finding:
    """Pull both days from the provider's export API; pulling again changes nothing."""
    rows: dict[str, int] = {}
    is_repeat_quiet = True
    for number, day in enumerate(stage.days):
        stage.tell(number, len(stage.days))
        arguments = ("pull_rounds", "--provider", CODE, "--day", day)
        rows[day] = run_json(*arguments)["pulled"][0]["rows"]
        again = run_json(*arguments)["pulled"][0]
        is_repeat_quiet = is_repeat_quiet and again["rows"] == rows[day]
    expected = {day: stage.provider.truth(day)["log_rows"] for day in stage.days}
    return Finding(
        is_held=rows == expected and is_repeat_quiet,
        text=" and ".join(f"{count:,} rows of {day}" for day, count in rows.items()),
        figures={"rows": rows, "expected": expected},
    )


def reconcile(stage: Stage) -> Finding:
    """Reconcile both days; the breaks must be exactly what the provider planted."""
    figures: dict[str, Any] = {}
    is_held = True
    for number, day in enumerate(stage.days):
        stage.tell(number, len(stage.days))
        found = run_json("reconcile", "--provider", CODE, "--day", day, "--list")
        planted = stage.provider.truth(day)["planted"]
        items = {name: set(ids) for name, ids in found["items"].items() if ids}
        is_same = items == {name: set(ids) for name, ids in planted.items()}
        is_held = is_held and is_same
        figures[day] = {
            "events": found["events"],
            "breaks": found["breaks"],
            "planted": {name: len(ids) for name, ids in planted.items()},
            "variance": found["variance"],
            "alert": found["alert"],
            "same": is_same,
        }
    breaks = sum(sum(facts["breaks"].values()) for facts in figures.values())
    planted_count = sum(sum(facts["planted"].values()) for facts in figures.values())
    return Finding(
        is_held=is_held,
        text=f"{breaks} breaks found, {planted_count} planted"
        + (", event by event the same." if is_held else "; THEY DIFFER."),
        figures=figures,
    )


def check_certificates(stage: Stage) -> Finding:
    """Flag certificates; the flags must be those that a careful officer would raise."""
    folder = make_lab_folder(stage.data_dir / "demo" / "certificates", now=stage.clock())
    report = run_json("check_certificates", "--on", stage.today)
    expected = expected_flags(reports_on_file(folder), date.fromisoformat(stage.today))
    ours = {one.report_number for one in folder.reports}
    found = {
        name: sorted(
            item["report_number"] for item in report[name] if item["report_number"] in ours
        )
        for name in ("expired", "expiring", "review_due", "superseded", "invalid_signature")
    }
    found["uncovered"] = sorted(
        f"{item['game']} {item['jurisdiction']}"
        for item in report["uncovered"]
        if item["game"].startswith(f"{CODE}-")
    )
    return Finding(
        is_held=found == expected,
        text=", ".join(f"{len(items)} {name.replace('_', ' ')}" for name, items in found.items()),
        figures={"found": found, "expected": expected},
    )


def show_wagering(_stage: Stage) -> Finding:
    """The player's turnover counts towards the bonus, bet by bet."""
    progress = next(
        one
        for one in progress_of_player(player_by_ref(REGULAR_PLAYER).id)
        if one.required_minor == REQUIRED_MINOR
    )
    is_folded = not list(grants_out_of_step())
    done = display_money(progress.done_minor, progress.currency)
    required = display_money(progress.required_minor, progress.currency)
    return Finding(
        is_held=progress.done_minor > 0 and is_folded,
        text=f"{REGULAR_PLAYER} has turned over {done} of {required}; every bet has its receipt.",
        figures={"done": done, "required": required, "state": progress.state},
    )


def show_promotion(stage: Stage) -> Finding:
    """Events that the provider flagged belong to the live campaign, or say why they don't."""
    counts = tag_counts_since(stage.started_at)
    return Finding(
        is_held=counts.in_campaign > 0,
        text=f"{counts.tagged} flagged events, {counts.in_campaign} in the campaign's window.",
        figures={"flagged": counts.tagged, "in_campaign": counts.in_campaign},
    )


def verify_ledger(_stage: Stage) -> Finding:
    """Fold every transfer; balances, holds, sums and the audit chain must agree."""
    verdict = run_json("verify_ledger", "--seal")
    return Finding(
        is_held=bool(verdict["holds"]),
        text=f"{verdict['transfers']:,} transfers over {verdict['accounts']:,} accounts hold, "
        f"{verdict['audit_entries']:,} audit entries verify.",
        figures=verdict,
    )
