"""What is done by the clock. A message that nobody took until the next one is dropped."""

from collections.abc import Iterable
from typing import Any

from celery.schedules import crontab

EVERY_SECONDS = {
    "audit.append_pending": 5,
    "farm.wake_builders": 10,
    "farm.reap_silent": 10,
    "cache.explain_waiting": 10,
    "cache.roll_up_stale": 10,
    "resources.roll_up_waiting": 10,
    "trends.follow_waiting": 15,
    "sizes.follow_waiting": 15,
    "bases.follow_waiting": 15,
    "farm.run_schedules": 15,
    "channels.deliver_due": 15,
    "ingest.drain_pending": 30,
    "trust.verify_waiting": 30,
    "resources.weigh_builders": 30,
    "recommendations.renew_due": 30,
    "reports.make_due": 30,
    "alerts.evaluate_due": 30,
    "cache.wake_operations": 30,
    "ingest.match_scans": 60,
    "inspections.match_inspections": 60,
    "deployments.match_deployments": 60,
    "sboms.match_sboms": 60,
    "security.expire_waivers": 60,
    "farm.look_at_builders": 60,
    "farm.send_notices": 60,
    "sizes.read_images": 60,
    "cache.advise_services": 60,
    "bases.look_into_registries": 300,
    "cache.snapshot_builders": 300,
    "cache.look_into_registries": 600,
}
AT_NIGHT = {
    "cache.enforce_retention": (2, 30),
    "farm.end_unheard_of": (3, 5),
    "ingest.purge_expired": (3, 10),
    "channels.forget_old": (3, 12),
    "alerts.forget_old": (3, 14),
    "reports.forget_old": (3, 16),
    "cache.forget_old_snapshots": (3, 20),
    "audit.sign_checkpoints": (3, 30),
    "audit.cut_expired": (3, 35),
    "audit.verify_chains": (3, 40),
}
"""Hour and minute."""

SWEEP_SECONDS = 600


def schedule(build_queues: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the schedule of Celery beat."""
    often = {task: _every(task, seconds) for task, seconds in EVERY_SECONDS.items()}
    nightly = {
        task: {"task": task, "schedule": crontab(hour=hour, minute=minute)}
        for task, (hour, minute) in AT_NIGHT.items()
    }
    # Each queue has workers, and directories, of its own.
    sweeps = {
        f"farm.sweep_work_dirs in {queue}": _every(
            "farm.sweep_work_dirs", SWEEP_SECONDS, queue=queue
        )
        for queue in build_queues
    }
    return often | nightly | sweeps


def _every(task: str, seconds: int, **options: str) -> dict[str, Any]:
    return {"task": task, "schedule": float(seconds), "options": options | {"expires": seconds}}
