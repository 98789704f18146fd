"""The worker's part."""

from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task

from builds.models import Image
from sizes import reading
from sizes.following import follow_next

AT_ONCE = 100
"""Services that one run follows at most; the next run goes on."""

LOOK_SECONDS = 60
"""How often it is asked what is to be read; a message that nobody took by then is dropped."""


@shared_task(name="sizes.follow_waiting", soft_time_limit=1800, time_limit=1860)
def follow_waiting(**_: Any) -> None:
    """Follow the images of services of which builds came."""
    for _number in range(AT_ONCE):
        if not follow_next():
            return


@shared_task(name="sizes.read_images")
def read_images(**_: Any) -> None:
    """Let workers read the images that nobody has read yet."""
    for number in reading.due():
        read_image.apply_async(args=(number,), expires=LOOK_SECONDS)


@shared_task(
    name="sizes.read_image",
    soft_time_limit=reading.READ_SECONDS,
    time_limit=reading.READ_SECONDS + 60,
)
def read_image(number: int, **_: Any) -> None:
    """Read what lies in an image."""
    image = Image.objects.select_related("project").get(pk=number)
    try:
        reading.read_image(image)
    except SoftTimeLimitExceeded:
        reading.give_up(image)
