"""RTP variants: what each certified figure is and who stated it."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.models import RtpVariant
from apps.providers.selectors.rehearsals import rehearsed_games


@admin.register(RtpVariant)
class RtpVariantAdmin(ReadOnlyAdmin[RtpVariant]):
    list_empty_text = "No variant is recorded. Open a game to add the RTP that a report certifies."
    list_display = ["code", "game", "rtp", "shown_deviation", "max_win_multiple", "source"]
    list_filter = [rehearsal_filter(lambda: rehearsed_games("game"))]
    list_select_related = ["game"]
    search_fields = ["game__game_code__exact", "code__exact"]
    search_help_text = "Game code or variant code, exactly"
    ordering = ["game__game_code", "-rtp_percent", "pk"]

    @admin.display(description="certified RTP", ordering="rtp_percent")
    def rtp(self, variant: RtpVariant) -> str:
        return f"{variant.rtp_percent.normalize():f} %"

    @admin.display(description="sigma (per unit stake)")
    def shown_deviation(self, variant: RtpVariant) -> str:
        deviation = variant.deviation
        return "not stated" if deviation is None else f"{deviation.normalize():f}"
