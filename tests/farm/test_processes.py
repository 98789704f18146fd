"""Processes that a worker starts: what bounds them, and that none is left."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from farm.bounds import DATA_BYTES, keep_bounds
from farm.processes import HOME_VARIABLE, end_all, processes_of
from tests.farm.waiting import eventually, is_running


def start_orphan(home: Path, note: Path) -> int:
    """Start a process in a session of its own whose parent has ended; return its number."""
    script = f"setsid sleep 600 >/dev/null 2>&1 & echo $! >{note}"
    environment = os.environ | {HOME_VARIABLE: str(home)}
    subprocess.run(["sh", "-c", script], env=environment, check=True)
    return int(note.read_text())


def test_whatever_a_build_has_started_is_ended_and_nothing_else(tmp_path: Path):
    ours = start_orphan(tmp_path / "ours", tmp_path / "first")
    others = start_orphan(tmp_path / "others", tmp_path / "second")
    try:
        assert [process.pid for process in processes_of(tmp_path / "ours")] == [ours]
        end_all(tmp_path / "ours")
        assert eventually(lambda: not is_running(ours))
        assert is_running(others)
    finally:
        os.kill(others, signal.SIGKILL)


def test_a_child_can_neither_take_all_memory_nor_leave_it_in_a_file():
    script = "import resource as r; print(r.getrlimit(r.RLIMIT_DATA), r.getrlimit(r.RLIMIT_CORE))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, preexec_fn=keep_bounds, capture_output=True, check=True)
    assert done.stdout.decode().strip() == f"{(DATA_BYTES, DATA_BYTES)} (0, 0)"
    grab = [sys.executable, "-c", f"bytearray({DATA_BYTES})"]
    done = subprocess.run(grab, preexec_fn=keep_bounds, capture_output=True, check=False)
    assert b"MemoryError" in done.stderr


def test_a_lower_bound_of_the_machine_s_own_stays():
    lower = DATA_BYTES // 2

    def be_lower() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (lower, lower))
        keep_bounds()

    script = "import resource as r; print(r.getrlimit(r.RLIMIT_DATA))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, preexec_fn=be_lower, capture_output=True, check=True)
    assert done.stdout.decode().strip() == str((lower, lower))


def test_a_child_ends_with_its_parent(tmp_path: Path):
    note = tmp_path / "number"
    script = (
        "import subprocess, time; from farm.bounds import keep_bounds\n"
        "child = subprocess.Popen(['sleep', '600'], preexec_fn=keep_bounds)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        assert eventually(lambda: note.exists() and note.read_text())
    finally:
        parent.kill()
        parent.wait()
    assert eventually(lambda: not is_running(int(note.read_text())))
