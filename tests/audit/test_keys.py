"""Keys follow one another, one after the other, and one that was followed signs nothing more."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from accounts.models import Project
from audit import checkpoints
from audit.chain import Break
from audit.checkpoints import make_checkpoint, signer, use
from audit.models import AuditEvent, Checkpoint, SigningKey, Tombstone
from audit.retention import cut_expired
from audit.services import chain_name
from audit.signing import Signer, SigningKeyError, make_key_file, read_key
from audit.tasks import sign_checkpoints
from audit.verification import verify_chain
from tests.audit.racing import another_process, until_one_waits
from tests.audit.test_proofs import act


@pytest.fixture
def chain(project: Project) -> str:
    """The name of the project's chain, of two events."""
    return chain_name(project)


@pytest.fixture
def keys(tmp_path: Path) -> list[Signer]:
    """Keys that nobody has used."""
    return [key_in(tmp_path / f"{number}.pem") for number in range(3)]


def key_in(path: Path) -> Signer:
    make_key_file(path)
    return read_key(path)


def first_key() -> Signer:
    """The key that the server of the tests has."""
    key = signer()
    assert key
    return key


def with_another_key(path: Path) -> override_settings:
    """Be a process that has another key."""
    make_key_file(path)
    return override_settings(AUDIT_SIGNING_KEY_FILE=str(path))


def signed_by() -> list[str]:
    return list(Checkpoint.objects.order_by("number").values_list("key_id", flat=True))


@pytest.mark.django_db
class TestReplaced:
    @pytest.fixture
    def replaced(self, project: Project, chain: str, tmp_path: Path) -> Path:
        """The file of the key that followed the server's; each signed a checkpoint."""
        make_checkpoint(chain)
        act(project)
        path = tmp_path / "new.pem"
        with with_another_key(path):
            make_checkpoint(chain)
        act(project)
        return path

    def test_it_signs_no_checkpoint(self, replaced: Path, chain: str):
        old, new = first_key().key_id, read_key(replaced).key_id
        with pytest.raises(SigningKeyError, match=f"{old} was replaced by {new}"):
            make_checkpoint(chain)
        sign_checkpoints()
        assert signed_by() == [old, new]
        with with_another_key(replaced):
            made = make_checkpoint(chain)
            assert verify_chain(chain) is None
        assert made
        assert (made.number, made.sequence) == (3, 4)
        assert signed_by() == [old, new, new]

    def test_it_signs_no_cut(self, replaced: Path, chain: str, settings, time_machine):
        settings.AUDIT_RETENTION_DAYS = 30
        time_machine.move_to(timezone.now() + timedelta(days=60))
        with with_another_key(replaced):
            assert verify_chain(chain) is None
        with pytest.raises(SigningKeyError):
            checkpoints.sign(Tombstone(chain=chain, number=1, sequence=3, count=3), first_key())
        cut_expired()  # to it, what the newer key signed is foreign
        assert not Tombstone.objects.exists()
        assert AuditEvent.objects.in_chain(chain).count() == 4

    def test_what_it_signed_nevertheless_is_found(
        self, replaced: Path, chain: str, monkeypatch: pytest.MonkeyPatch
    ):
        """Somebody has the old key and the database."""
        monkeypatch.setattr(checkpoints, "use", lambda key: None)
        make_checkpoint(chain)
        with with_another_key(replaced):
            found = verify_chain(chain)
        assert found == Break(chain, 4, "checkpoint 3 is signed by a replaced key")

    def test_the_new_one_is_published_though_nothing_came(self, chain: str, tmp_path: Path):
        make_checkpoint(chain)
        with with_another_key(tmp_path / "new.pem"):
            sign_checkpoints()
            assert verify_chain(chain) is None
        assert Checkpoint.objects.count() == 1
        assert SigningKey.objects.count() == 2


@pytest.mark.django_db
def test_a_key_follows_the_last_one_whatever_the_clock_says(keys: list[Signer], time_machine):
    now = timezone.now()
    use(first_key())
    for key, days in zip(keys, (365, 1, 2), strict=True):
        time_machine.move_to(now + timedelta(days=days))
        use(key)
    order = [first_key(), *keys]
    published = SigningKey.objects.oldest_first()
    assert [row.key_id for row in published] == [key.key_id for key in order]
    assert [row.previous for row in published] == ["", *(key.key_id for key in order[:3])]
    some = SigningKey.objects.up_to(keys[1].key_id)
    assert [row.key_id for row in some] == [key.key_id for key in order[:3]]


@pytest.mark.django_db
def test_keys_in_a_circle_are_all_told():
    """No server makes them so; whoever writes to the database may."""
    for key_id, previous in (("a", "b"), ("b", "a"), ("c", "nobody")):
        SigningKey.objects.create(key_id=key_id, previous=previous, made_at=timezone.now())
    assert {row.key_id for row in SigningKey.objects.oldest_first()} == {"a", "b", "c"}
    assert [row.key_id for row in SigningKey.objects.up_to("a")] == ["b", "a"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second", [0, 1], ids=["the same", "another"])
def test_new_keys_at_once_follow_one_another(keys: list[Signer], second: int):
    use(first_key())
    with another_process() as begin:
        with transaction.atomic():
            use(keys[0])
            other = begin(lambda: use(keys[second]))
            until_one_waits()
        other.result()
    order = [row.key_id for row in SigningKey.objects.oldest_first()]
    assert order == [first_key().key_id, *(key.key_id for key in keys[: second + 1])]
    previous = [row.previous for row in SigningKey.objects.oldest_first()]
    assert previous == ["", *order[:-1]]
