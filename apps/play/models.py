from datetime import timedelta
from typing import ClassVar, Final, override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.fields import EncryptedTextField
from apps.core.triggers import any_change
from apps.play.enums import SessionEnd, SigningKeyState

TOKEN_LIFETIME: Final = timedelta(minutes=15)
LAUNCH_LIFETIME: Final = timedelta(seconds=60)
SESSION_LIFETIME: Final = timedelta(hours=4)
LONGEST_SESSION: Final = timedelta(hours=12)


class SigningKey(models.Model):
    """An Ed25519 key that signs gameplay tokens.

    The private half is encrypted at rest; the public half is published as a JWKS. One key signs at
    a time, others may still verify, so a key can be changed under traffic.
    """

    kid = models.CharField("key id", max_length=32, unique=True)
    private_pem = EncryptedTextField()
    public_pem = models.TextField("public key")
    state = models.CharField(
        max_length=16, choices=SigningKeyState.choices, default=SigningKeyState.ACTIVE
    )
    not_before = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SigningKeyState.values),
                name="play_signing_key_state_is_known",
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state=SigningKeyState.ACTIVE),
                name="play_signing_key_one_signs",
            ),
            models.CheckConstraint(
                condition=Q(state=SigningKeyState.ACTIVE, retired_at__isnull=True)
                | (~Q(state=SigningKeyState.ACTIVE) & Q(retired_at__isnull=False)),
                name="play_signing_key_retired_has_a_time",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="key_never_changes", fields=["kid", "public_pem", "not_before", "created_at"]
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.kid


class GameSession(models.Model):
    """Permission for one player to place new stakes in one game, in one currency.

    ``public_id`` is what a provider knows the session by; it travels between servers only. A
    player's browser gets gameplay tokens instead, which live for minutes and are renewed over the
    operator's channel. What was staked while the session lived is settled whenever the provider
    says so: a session that ends stops new stakes and nothing else.
    """

    public_id = models.UUIDField("session id", unique=True)
    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    opened_at = models.DateTimeField()
    stakes_until = models.DateTimeField()
    acknowledge_by = models.DateTimeField(
        "reality check acknowledged by",
        null=True,
        blank=True,
        help_text="From then on no new stakes until the player acknowledges a reality check.",
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_code = models.CharField(
        "ended because", max_length=16, choices=SessionEnd.choices, blank=True
    )
    end_reason = models.CharField(max_length=200, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stakes_until__gt=F("opened_at"))
                & Q(stakes_until__lte=F("opened_at") + LONGEST_SESSION),
                name="play_session_takes_stakes_at_most_12_hours",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_code="", end_reason="")
                | (
                    Q(ended_at__isnull=False, ended_at__gte=F("opened_at"))
                    & Q(end_code__in=SessionEnd.values)
                    & ~Q(end_reason="")
                ),
                name="play_session_ended_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "-opened_at"], name="play_session_of_player"),
            models.Index(
                fields=["game", "stakes_until"],
                name="play_session_open_of_game",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["stakes_until"],
                name="play_session_taking_stakes",
                condition=Q(ended_at__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="grant_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    *("public_id", "provider", "player", "game", "currency"),
                    *("opened_at", "stakes_until"),
                ),
            ),
            pgtrigger.Protect(
                name="ended_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"session {self.pk}"


class GameplayToken(models.Model):
    """A token that was signed for a session: what it says, never the token itself.

    It outlives neither 15 minutes nor, whatever it says, its session. A new one is signed when the
    operator refreshes the session; the one before stays good for what is left of its own time, so
    that a stake under way is not refused.
    """

    session = models.ForeignKey(GameSession, on_delete=models.PROTECT, related_name="tokens")
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="tokens")
    jti = models.UUIDField("token id", unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at"))
                & Q(expires_at__lte=F("issued_at") + TOKEN_LIFETIME),
                name="play_token_lives_at_most_15_minutes",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    @override
    def __str__(self) -> str:
        return f"token {self.jti}"


class RefreshCredential(models.Model):
    """What the operator's server presents, once, to have a session's token renewed.

    Only its SHA-256 is stored. Using it makes the next one; the credentials of a session are one
    family. A used one that is presented again means that two hold it, and nobody can tell which is
    the thief: the whole session ends.
    """

    session = models.ForeignKey(GameSession, on_delete=models.PROTECT, related_name="refreshes")
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    issued_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    reused_at = models.DateTimeField(null=True, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(used_at__isnull=True),
                name="play_refresh_one_unused_per_session",
            ),
            models.CheckConstraint(
                condition=Q(reused_at__isnull=True)
                | Q(used_at__isnull=False, reused_at__gte=F("used_at")),
                name="play_refresh_reused_after_it_was_used",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="credential_never_changes", fields=["session", "digest", "issued_at"]
            ),
            pgtrigger.Protect(
                name="used_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__used_at__isnull=False)
                & pgtrigger.Q(old__used_at__df=pgtrigger.F("new__used_at")),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"refresh credential {self.pk}"


class LaunchCode(models.Model):
    """The one-time code of a launch URL, exchanged once within 60 seconds; its SHA-256 only."""

    session = models.OneToOneField(GameSession, on_delete=models.PROTECT, related_name="launch")
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at"))
                & Q(expires_at__lte=F("issued_at") + LAUNCH_LIFETIME),
                name="play_launch_code_lives_at_most_60_seconds",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(used_at__lt=F("expires_at")),
                name="play_launch_code_used_in_time",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="used_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__used_at__isnull=False)
                | any_change("session", "digest", "issued_at", "expires_at"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"launch code {self.pk}"
