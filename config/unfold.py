"""The admin's look and its navigation. Entries show only to those who may open them."""

from django.templatetags.static import static
from django.urls import reverse_lazy

# A page that is listed but not registered yet is left out; a registered one that is not listed is
# found under "More".
NAVIGATION: list[tuple[str, list[tuple[str, str, str]]]] = [
    (
        "Providers & integration",
        [
            ("Providers", "hub", "providers.provider"),
            ("Onboarding", "checklist", "onboarding.onboarding"),
            ("Provider health", "monitor_heart", "reports.providerhealth"),
            ("Delivery log", "inbox", "rounds.delivery"),
            ("Provider keys", "key", "providers.providerkey"),
            ("Provider policies", "rule", "providers.providerpolicy"),
            ("Games", "casino", "providers.game"),
            ("Refused callbacks", "block", "gateway.rejection"),
            ("Round log pulls", "cloud_download", "reconciliation.pullcursor"),
            ("Pulled pages", "description", "reconciliation.pulledpage"),
            ("API clients", "api", "operator_api.apiclient"),
            ("API tokens", "password", "operator_api.apitoken"),
            ("Outbox", "outbox", "core.outboxmessage"),
        ],
    ),
    (
        "Rounds & ledger",
        [
            ("Rounds", "track_changes", "rounds.round"),
            ("Round events", "receipt_long", "rounds.roundevent"),
            ("Event attempts", "replay", "rounds.eventattempt"),
            ("Delivery verdicts", "gavel", "rounds.deliveryverdict"),
            ("Conflicts", "call_split", "rounds.conflict"),
            ("Balance drifts", "trending_down", "rounds.balancedrift"),
            ("Accounts", "account_balance", "wallet.account"),
            ("Transfers", "swap_horiz", "wallet.transfer"),
            ("Receivables", "request_quote", "wallet.receivableaccount"),
            ("Ledger seals", "lock", "wallet.ledgerseal"),
            ("Wallet models", "account_balance_wallet", "reports.walletmodelcomparison"),
            ("Transfers in and out", "sync_alt", "wallet.gametransfer"),
            ("Wallet audits", "rule_folder", "wallet.walletaudit"),
            ("Audit findings", "report", "wallet.auditfinding"),
        ],
    ),
    (
        "Reconciliation",
        [
            ("Breaks", "difference", "reconciliation.break"),
            ("Runs", "fact_check", "reconciliation.reconciliationrun"),
            ("Statements", "article", "reconciliation.statementfile"),
        ],
    ),
    (
        "Compliance desk",
        [
            ("Coverage", "grid_on", "compliance.coveragematrix"),
            ("Uncertified play", "money_off", "compliance.uncoveredday"),
            ("Certified play", "casino", "compliance.certifiedplay"),
            ("What if", "troubleshoot", "compliance.whatif"),
            ("Calendar", "calendar_month", "compliance.deskcalendar"),
            ("Renewals", "autorenew", "compliance.renewal"),
            ("Reminders", "notifications", "compliance.reminder"),
            ("Duties", "assignment_ind", "compliance.deskduty"),
            ("Key events", "gavel", "compliance.keyevent"),
        ],
    ),
    (
        "Certificates",
        [
            ("Certificates", "verified", "providers.certificate"),
            ("Drafts to review", "rate_review", "providers.certificatedraft"),
            ("Bulk uploads", "upload_file", "providers.uploadbatch"),
            ("Flags", "flag", "providers.certificateflag"),
            ("Documents", "picture_as_pdf", "providers.document"),
            ("Quarantine", "gpp_bad", "providers.quarantinedfile"),
            ("Labs", "science", "providers.lab"),
            ("Trusted roots", "shield", "providers.trustedroot"),
        ],
    ),
    (
        "What is served",
        [
            ("Deployments", "rocket_launch", "providers.deployment"),
            ("Game builds", "deployed_code", "providers.gamebuild"),
            ("RTP variants", "percent", "providers.rtpvariant"),
            ("Supplier changes", "published_with_changes", "providers.supplierchange"),
            ("Gate overrides", "lock_open", "providers.gateoverride"),
            ("Digest reports", "fingerprint", "integrity.digestreport"),
            ("Integrity faults", "gpp_bad", "integrity.fault"),
            ("Integrity policies", "rule", "integrity.integritypolicy"),
        ],
    ),
    (
        "Bonuses & promotions",
        [
            ("Campaigns", "campaign", "promotions.campaign"),
            ("Promo tags", "sell", "promotions.promotag"),
            ("Bonus rules", "rule", "bonuses.bonusrule"),
            ("Game weights", "balance", "bonuses.gameweight"),
            ("Grants", "redeem", "bonuses.grant"),
            ("Wagering receipts", "receipt", "bonuses.wageringreceipt"),
        ],
    ),
    ("Disputes", [("Cases", "support_agent", "disputes.case")]),
    ("Reports", [("Daily net position", "query_stats", "reports.netposition")]),
    (
        "Players",
        [
            ("Players", "person", "players.player"),
            ("Player protection", "health_and_safety", "players.playerprotection"),
            ("Limits", "speed", "players.limit"),
            ("Records of protection", "fact_check", "players.protectionrecord"),
            ("Protection rules", "policy", "players.rulecheck"),
            ("Game sessions", "sports_esports", "play.gamesession"),
            ("Token signing keys", "vpn_key", "play.signingkey"),
        ],
    ),
    (
        "AML",
        [
            ("AML matters", "shield_person", "aml.matter"),
            ("AML access log", "visibility_lock", "aml.accessentry"),
        ],
    ),
    (
        "Staff & audit",
        [
            ("Approvals", "approval", "staff.approval"),
            ("Audit trail", "history_edu", "core.auditentry"),
            ("Samples", "casino", "auditing.sample"),
            ("Exports", "folder_zip", "auditing.export"),
            ("Auditor seats", "event_seat", "staff.auditorseat"),
            ("Auditor look-ups", "manage_search", "staff.auditorlookup"),
            ("People", "badge", "staff.user"),
            ("Roles", "groups", "auth.group"),
        ],
    ),
]

UNFOLD_SETTINGS = {
    "SITE_TITLE": "Pitboss",
    "SITE_HEADER": "Pitboss",
    "SITE_SUBHEADER": "Casino back office",
    "SITE_SYMBOL": "casino",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("pitboss/icon.svg"),
        }
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "apps.staff.navigation.environment_badge",
    "DASHBOARD_CALLBACK": "apps.staff.home.home_context",
    "STYLES": [lambda _request: static("pitboss/theme.css")],
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor", "link": reverse_lazy("mfa_index")},
            {"title": "Where you are signed in", "link": reverse_lazy("staff_sessions")},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "apps.staff.navigation.sidebar",
    },
    "COLORS": {
        # Indigo: white text on 600 and 700 keeps a contrast above 4.5 to 1.
        "primary": {
            "50": "oklch(96.2% .018 272.314)",
            "100": "oklch(93% .034 272.788)",
            "200": "oklch(87% .065 274.039)",
            "300": "oklch(78.5% .115 274.713)",
            "400": "oklch(67.3% .182 276.935)",
            "500": "oklch(58.5% .233 277.117)",
            "600": "oklch(51.1% .262 276.966)",
            "700": "oklch(45.7% .24 277.023)",
            "800": "oklch(39.8% .195 277.366)",
            "900": "oklch(35.9% .144 278.697)",
            "950": "oklch(25.7% .09 281.288)",
        },
    },
}
