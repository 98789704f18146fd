"""Rules, what they found, and what is not to be told."""

from alerts.models.alert import Alert, AlertEvent, AlertMember
from alerts.models.rule import AlertRule, RuleSet
from alerts.models.silence import Silence

__all__ = ["Alert", "AlertEvent", "AlertMember", "AlertRule", "RuleSet", "Silence"]
