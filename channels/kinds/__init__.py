"""The kinds of channels: a folder each, told apart by ``Channel.Kind``."""

from channels.kinds.contract import Kind
from channels.kinds.email import Email
from channels.kinds.github import GitHub
from channels.kinds.pagerduty import PagerDuty
from channels.kinds.slack import Slack
from channels.kinds.teams import Teams
from channels.kinds.webhook import Webhook
from channels.models import Channel

KINDS: dict[str, Kind] = {
    Channel.Kind.EMAIL: Email(),
    Channel.Kind.SLACK: Slack(),
    Channel.Kind.TEAMS: Teams(),
    Channel.Kind.WEBHOOK: Webhook(),
    Channel.Kind.PAGERDUTY: PagerDuty(),
    Channel.Kind.GITHUB: GitHub(),
}
