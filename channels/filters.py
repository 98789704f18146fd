"""Filters of deliveries, for pages and machines."""

import django_filters

from channels.models import Delivery


class DeliveryFilter(django_filters.FilterSet):
    """Deliveries by state and channel."""

    state = django_filters.ChoiceFilter(choices=Delivery.State.choices, empty_label="Any")
    channel = django_filters.UUIDFilter(field_name="channel__public_id")

    class Meta:
        model = Delivery
        fields = ("state", "channel")
