"""The kinds of channels: a folder each, told apart by ``Channel.Kind``."""

from channels.kinds.contract import Kind
from channels.kinds.email import Email
from channels.kinds.webhook import Webhook
from channels.models import Channel

KINDS: dict[str, Kind] = {
    Channel.Kind.EMAIL: Email(),
    Channel.Kind.WEBHOOK: Webhook(),
}
