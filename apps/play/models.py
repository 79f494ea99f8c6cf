from datetime import timedelta
from typing import Final, override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.fields import EncryptedTextField
from apps.play.enums import SigningKeyState

MAX_LIFETIME: Final = timedelta(minutes=15)


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
    """Permission for one player to place new stakes in one game, for at most 15 minutes.

    The token that goes with it is signed and carries ``jti``; the token itself is not stored. What
    was staked while the session lived is settled whenever the provider says so: a session that
    ends stops new stakes and nothing else.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="sessions")
    jti = models.UUIDField("token id", unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at"))
                & Q(expires_at__lte=F("issued_at") + MAX_LIFETIME),
                name="play_session_lives_at_most_15_minutes",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | (Q(revoked_at__gte=F("issued_at")) & ~Q(revoked_reason="")),
                name="play_session_revoked_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "-issued_at"], name="play_session_of_player"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="grant_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "provider", "player", "game", "signing_key", "jti", "issued_at", "expires_at"
                ),
            ),
            pgtrigger.Protect(
                name="revoked_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"session {self.pk}"
