from apps.core.errors import DomainError


class UnknownCampaignError(DomainError):
    code = "unknown_campaign"

    def __init__(self, campaign_id: int) -> None:
        super().__init__(f"There is no campaign {campaign_id}.")


class CampaignCodeTakenError(DomainError):
    code = "campaign_code_taken"
    concerns = "code"

    def __init__(self, code: str) -> None:
        super().__init__(f"This provider already has a campaign {code!r:.80}.")


class CampaignContentError(DomainError):
    """A field is missing, too long, or contradicts another one."""

    code = "campaign_content"

    def __init__(self, why: str, concerns: str = "") -> None:
        super().__init__(why)
        self.concerns = concerns


class CampaignStateError(DomainError):
    """The campaign is not in a state that allows this step."""

    code = "campaign_state"

    def __init__(self, campaign: object, state: str, step: str) -> None:
        super().__init__(f"{campaign} is {state.replace('_', ' ')}: it can't be {step}.")


class CampaignChangedError(DomainError):
    """The content is not what the second person was asked to approve."""

    code = "campaign_changed"

    def __init__(self, campaign: object) -> None:
        super().__init__(f"{campaign} was changed after it was submitted: submit it again.")


class CampaignWindowError(DomainError):
    """The step would put the campaign live outside its approved window."""

    code = "campaign_outside_window"


class OwnCampaignError(DomainError):
    """The person who edited or submitted the content can't be its second person."""

    code = "own_campaign"

    def __init__(self) -> None:
        super().__init__("Whoever edited or submitted a campaign can't approve it.")


class SignedOutError(DomainError):
    """Only a signed-in member of staff may write this."""

    code = "signed_out"

    def __init__(self) -> None:
        super().__init__("Sign in first.")
