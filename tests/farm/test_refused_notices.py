"""Mail about failed builds that a real SMTP server takes for some and refuses for others."""

import pytest

from accounts.models import Membership, User
from farm.models import FailureNotice
from farm.notices import send_pending
from tests.channels.test_refused_recipients import Doors, doors, read_by  # noqa: F401  # a fixture
from tests.farm.conftest import MakeSource
from tests.farm.test_notices import Inbox, fail, inbox  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db
ANN, BEN, CAT = TEAM = ["ann@example.com", "ben@example.com", "cat@example.com"]


@pytest.fixture
def notice(make_source: MakeSource, project: object, bob: User) -> FailureNotice:
    """One to the owners of a source."""
    Membership.objects.filter(user=bob).delete()
    request = fail(bob, make_source, owners=TEAM)
    return FailureNotice.objects.get(request=request)


def send_again(notice: FailureNotice) -> FailureNotice:
    """Send it as if its pause were over, and return what is noted of it."""
    FailureNotice.objects.filter(pk=notice.pk).update(next_at=notice.created_at)
    send_pending()
    notice.refresh_from_db()
    return notice


def test_who_was_refused_has_it_later_and_nobody_twice(
    inbox: Inbox,  # noqa: F811
    doors: Doors,  # noqa: F811
    notice: FailureNotice,
):
    doors.closed = {BEN: "451 Greylisted, try again later"}
    send_again(notice)
    assert (notice.state, notice.tries, notice.recipients) == ("pending", 1, [BEN])
    assert notice.error == "The mail server refuses it for ben@example.com: 451"
    assert read_by(inbox) == {ANN: 1, CAT: 1}
    doors.closed = {}
    send_again(notice)
    assert (notice.state, notice.tries, notice.error) == ("sent", 2, "")
    assert read_by(inbox) == {ANN: 1, BEN: 1, CAT: 1}
    assert len({message["Message-ID"] for _, message in inbox.messages}) == 1


def test_who_is_refused_for_good_is_named_and_not_tried_again(
    inbox: Inbox,  # noqa: F811
    doors: Doors,  # noqa: F811
    notice: FailureNotice,
):
    doors.closed = {BEN: "550 No such user here"}
    send_again(notice)
    send_again(notice)
    assert (notice.state, notice.tries, notice.recipients) == ("failed", 1, [BEN])
    assert notice.error == "The mail server refuses it for ben@example.com: 550"
    assert read_by(inbox) == {ANN: 1, CAT: 1}
