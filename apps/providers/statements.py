"""The register's set-based reads: one game for the launch gate, or every offer at once.

None of them locks anything. What a report reaches comes as one row for each report, so that the
rules (``coverage.judging``) are applied in one place and not told to the database a second time.
"""

from typing import Final, LiteralString

# The rows of a report's scope as JSON, and the first day on which another report replaces it. The
# two ways of being replaced are asked apart: one OR over both could use neither index.
_CERTIFICATE: Final[LiteralString] = """
    c.id, l.name, c.report_number, c.revision,
    c.state = 'withdrawn', c.result = 'does_not_comply', d.signature_state = 'invalid',
    EXISTS (SELECT FROM providers_labaccreditation a
        WHERE a.lab_id = c.lab_id AND a.valid_until < c.issued_on)
    AND NOT EXISTS (SELECT FROM providers_labaccreditation a
        WHERE a.lab_id = c.lab_id AND c.issued_on BETWEEN a.valid_from AND a.valid_until),
    c.effective_on, c.expires_on, c.invalidated_on, c.recalled_on,
    LEAST(
        (SELECT min(later.effective_on) FROM providers_certificate later
            WHERE later.lab_id = c.lab_id AND later.report_number = c.report_number
            AND later.revision > c.revision AND later.state = 'registered'),
        (SELECT min(other.effective_on) FROM providers_certificate other
            WHERE other.supersedes_id = c.id AND other.state = 'registered')
    ),
    ARRAY(SELECT j.jurisdiction FROM providers_certificatejurisdiction j
        WHERE j.certificate_id = c.id),
    (SELECT json_agg(json_build_array(b.game_code, b.build_version, b.channel, b.platform_version,
            b.engine_version, b.client_revision, b.rng_version, b.digest, b.is_from_document))
        FROM providers_certifiedbuild b WHERE b.certificate_id = c.id),
    (SELECT json_agg(json_build_array(v.game_code, v.variant_code, v.rtp_percent::text))
        FROM providers_certificatertpvariant v WHERE v.certificate_id = c.id)
"""

ALL_CERTIFICATES: Final[LiteralString] = (
    "SELECT"  # noqa: S608 - constants only
    + _CERTIFICATE
    + """,
    c.provider_code,
    ARRAY(SELECT g.game_code FROM providers_certificategame g WHERE g.certificate_id = c.id)
FROM providers_certificate c
JOIN providers_lab l ON l.id = c.lab_id
JOIN providers_document d ON d.id = c.document_id
WHERE c.kind IN ('game', 'live') AND (%(codes)s::text[] IS NULL OR EXISTS (
    SELECT FROM providers_certificategame g
    WHERE g.certificate_id = c.id AND g.game_code = ANY(%(codes)s)))
ORDER BY c.expires_on DESC NULLS FIRST, c.id
"""
)

# Whether a game or provider was switched on at the moment asked about: as it stands, unless it was
# edited since; then as the last edit before that moment left it.
_GAME_WAS_ON: Final[LiteralString] = """
(CASE WHEN EXISTS (SELECT FROM providers_historicalgame h
        WHERE h.id = g.id AND h.history_date > %(at)s)
    THEN COALESCE((SELECT h.is_active FROM providers_historicalgame h
        WHERE h.id = g.id AND h.history_date <= %(at)s
        ORDER BY h.history_date DESC, h.history_id DESC LIMIT 1), g.is_active)
    ELSE g.is_active END)"""
_PROVIDER_WAS_ON: Final[LiteralString] = """
(CASE WHEN EXISTS (SELECT FROM providers_historicalprovider h
        WHERE h.id = p.id AND h.history_date > %(at)s)
    THEN COALESCE((SELECT h.is_active FROM providers_historicalprovider h
        WHERE h.id = p.id AND h.history_date <= %(at)s
        ORDER BY h.history_date DESC, h.history_id DESC LIMIT 1), p.is_active)
    ELSE p.is_active END)"""

# All that the catalogue and the register know of one game in one jurisdiction. One statement, since
# it stands in every launch: under load a second trip costs more than what it asks.
SERVING: Final[LiteralString] = (
    """
SELECT g.id, g.game_code, p.code, g.category, g.theoretical_rtp,"""  # noqa: S608 - constants only
    + _GAME_WAS_ON
    + ","
    + _PROVIDER_WAS_ON
    + """,
    p.stage = 'live' AND (p.live_since IS NULL OR p.live_since <= %(at)s),
    EXISTS (SELECT FROM providers_gameoffer o
        WHERE o.game_id = g.id AND o.jurisdiction = %(jurisdiction)s),
    EXISTS (SELECT FROM providers_offerwithdrawal w
        WHERE w.game_id = g.id AND w.jurisdiction = %(jurisdiction)s
        AND w.withdrawn_at <= %(at)s AND (w.restored_at IS NULL OR w.restored_at > %(at)s)),
    (SELECT json_agg(json_build_array(b.id, b.version, b.channel, b.is_first, b.platform_version,
            b.engine_version, b.client_revision, b.rng_version, b.digest)
            ORDER BY b.created_at, b.id)
        FROM (SELECT *, row_number() OVER (PARTITION BY channel ORDER BY created_at, id) = 1
                AS is_first
            FROM providers_gamebuild WHERE game_id = g.id) b),
    (SELECT json_agg(json_build_array(v.id, v.code, v.rtp_percent::text) ORDER BY v.id)
        FROM providers_rtpvariant v WHERE v.game_id = g.id),
    (SELECT json_agg(json_build_array(d.id, d.channel, d.build_id, d.variant_id,
            extract(epoch FROM d.starts_at)::text, extract(epoch FROM d.ends_at)::text, d.digest)
            ORDER BY d.starts_at, d.id)
        FROM providers_deployment d
        WHERE d.game_id = g.id AND d.jurisdiction = %(jurisdiction)s),
    (SELECT json_agg(json_build_array(s.from_build_id, s.to_build_id,
            s.classification = 'minor', extract(epoch FROM s.decided_at)::text) ORDER BY s.id)
        FROM providers_supplierchange s JOIN providers_gamebuild b ON b.id = s.to_build_id
        WHERE b.game_id = g.id),
    (SELECT json_build_array(o.id, extract(epoch FROM o.ends_at)::text)
        FROM providers_gateoverride o
        WHERE o.game_id = g.id AND o.jurisdiction = %(jurisdiction)s
        AND o.starts_at <= %(at)s AND %(at)s < LEAST(o.ends_at, o.ended_at)
        ORDER BY o.ends_at DESC, o.id DESC LIMIT 1),
    (SELECT json_agg(json_build_array("""
    + _CERTIFICATE
    + """) ORDER BY c.expires_on DESC NULLS FIRST, c.id)
        FROM providers_certificategame named
        JOIN providers_certificate c ON c.id = named.certificate_id
        JOIN providers_lab l ON l.id = c.lab_id
        JOIN providers_document d ON d.id = c.document_id
        WHERE named.game_code = g.game_code AND c.provider_code = p.code
        AND c.kind IN ('game', 'live'))
FROM providers_game g JOIN providers_provider p ON p.id = g.provider_id
WHERE g.id = %(game_id)s
"""
)

# Where nobody lives (a rehearsal's jurisdiction) nothing is on offer to anybody, nor where the game
# was withdrawn then. One row for each game: tens of thousands of offers are a few thousand games.
OFFERS: Final[LiteralString] = (
    """
SELECT g.id, g.game_code, p.code, array_agg(o.jurisdiction ORDER BY o.jurisdiction COLLATE "C")
FROM providers_gameoffer o
JOIN providers_game g ON g.id = o.game_id
JOIN providers_provider p ON p.id = g.provider_id
WHERE (%(games)s::bigint[] IS NULL OR g.id = ANY(%(games)s)) AND o.jurisdiction <> %(nowhere)s
    AND g.id IN (SELECT g.id FROM providers_game g JOIN providers_provider p ON p.id = g.provider_id
        WHERE"""  # noqa: S608 - constants only
    + _GAME_WAS_ON
    + " AND "
    + _PROVIDER_WAS_ON
    + """)
    AND NOT EXISTS (SELECT FROM providers_offerwithdrawal w
        WHERE w.game_id = o.game_id AND w.jurisdiction = o.jurisdiction
        AND w.withdrawn_at <= %(at)s AND (w.restored_at IS NULL OR w.restored_at > %(at)s))
GROUP BY g.id, p.id
ORDER BY g.game_code COLLATE "C", p.code COLLATE "C"
"""
)

# Each place's deployments on a moment of its own: a what-if on a day means noon of that day there.
# One row for all places where the same runs at the same moment.
DEPLOYED: Final[LiteralString] = """
SELECT d.game_id, d.channel, d.build_id, d.variant_id, d.digest, asked.moment,
    array_agg(d.jurisdiction)
FROM providers_deployment d
JOIN unnest(%(places)s::text[], %(moments)s::timestamptz[]) AS asked (place, moment)
    ON asked.place = d.jurisdiction
WHERE d.starts_at <= asked.moment AND (d.ends_at IS NULL OR d.ends_at > asked.moment)
    AND (%(games)s::bigint[] IS NULL OR d.game_id = ANY(%(games)s))
GROUP BY d.game_id, d.channel, d.build_id, d.variant_id, d.digest, asked.moment
"""

ONCE_DEPLOYED: Final[LiteralString] = """
SELECT DISTINCT d.game_id, d.jurisdiction
FROM providers_deployment d
JOIN unnest(%(places)s::text[], %(moments)s::timestamptz[]) AS asked (place, moment)
    ON asked.place = d.jurisdiction
WHERE d.ends_at <= asked.moment AND d.game_id = ANY(%(games)s)
"""

_BUILD: Final[LiteralString] = """
SELECT b.game_id, b.id, b.version, b.channel,
    NOT EXISTS (SELECT FROM providers_gamebuild earlier
        WHERE earlier.game_id = b.game_id AND earlier.channel = b.channel
        AND (earlier.created_at, earlier.id) < (b.created_at, b.id)),
    b.platform_version, b.engine_version, b.client_revision, b.rng_version, b.digest
FROM providers_gamebuild b
"""

BUILDS: Final[LiteralString] = (
    _BUILD
    + """WHERE b.game_id = ANY(%(games)s)
ORDER BY b.created_at, b.id
"""
)

CHANGES: Final[LiteralString] = """
SELECT b.game_id, s.from_build_id, s.to_build_id, s.classification = 'minor', s.decided_at
FROM providers_supplierchange s JOIN providers_gamebuild b ON b.id = s.to_build_id
WHERE b.game_id = ANY(%(games)s)
ORDER BY s.id
"""

# Some builds with all that they came from: what ran years ago decides nothing about today.
_LINE: Final[LiteralString] = """
WITH RECURSIVE line (id) AS (
    SELECT unnest(%(builds)s::bigint[])
    UNION
    SELECT s.from_build_id FROM line JOIN providers_supplierchange s ON s.to_build_id = line.id
)
"""

BUILDS_IN_LINE: Final[LiteralString] = _LINE + _BUILD + "JOIN line ON line.id = b.id"

CHANGES_IN_LINE: Final[LiteralString] = (
    _LINE
    + """SELECT b.game_id, s.from_build_id, s.to_build_id, s.classification = 'minor', s.decided_at
FROM line
JOIN providers_supplierchange s ON s.to_build_id = line.id
JOIN providers_gamebuild b ON b.id = line.id
ORDER BY s.id
"""
)

VARIANTS: Final[LiteralString] = """
SELECT id, code, rtp_percent FROM providers_rtpvariant
WHERE %(games)s::bigint[] IS NULL OR game_id = ANY(%(games)s)
"""

GAMES: Final[LiteralString] = """
SELECT g.id, g.game_code, p.code
FROM providers_game g JOIN providers_provider p ON p.id = g.provider_id
WHERE g.id = ANY(%(games)s)
ORDER BY g.game_code COLLATE "C", g.id
"""

DEPLOYED_EVER: Final[LiteralString] = """
SELECT game_id, jurisdiction, id, channel, build_id, variant_id, starts_at, ends_at, digest
FROM providers_deployment
WHERE game_id = ANY(%(games)s) AND jurisdiction = ANY(%(places)s)
ORDER BY starts_at, id
"""
