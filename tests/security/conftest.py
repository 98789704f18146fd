"""Two more of the cast: who may approve waivers, and who may only ask for one."""

import pytest

from accounts.models import Project, User
from accounts.roles import Role
from accounts.services import set_member_role


@pytest.fixture
def dave(project: Project, alice: User) -> User:
    """A lead of the project: may ask, and may approve."""
    user = User.objects.create_user("dave", "dave@example.com", "dave-password")
    set_member_role(project=project, user=user, role=Role.LEAD, actor=alice)
    return user


@pytest.fixture
def erin(project: Project, alice: User) -> User:
    """An operator of the project: may ask, and may not approve."""
    user = User.objects.create_user("erin", "erin@example.com", "erin-password")
    set_member_role(project=project, user=user, role=Role.OPERATOR, actor=alice)
    return user
