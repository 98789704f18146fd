"""When periodic tasks run, and in which queue each task waits."""

from collections.abc import Iterable
from typing import Any

from celery.schedules import crontab

ROUTES = {
    "ingest.*": {"queue": "ingest"},
    "audit.*": {"queue": "analysis"},
    "inspections.*": {"queue": "analysis"},
    "sboms.*": {"queue": "ingest"},
    "trends.*": {"queue": "analysis"},
    "sizes.read_image": {"queue": "caches"},
    "sizes.*": {"queue": "analysis"},
    "resources.*": {"queue": "analysis"},
    "bases.look_into_repository": {"queue": "caches"},
    "bases.*": {"queue": "analysis"},
    "security.*": {"queue": "analysis"},
    "recommendations.*": {"queue": "analysis"},
    "trust.*": {"queue": "caches"},
    "cache.go_on": {"queue": "caches"},
    "cache.look_into_registry": {"queue": "caches"},
    "cache.*": {"queue": "analysis"},
    "farm.reap_silent": {"queue": "analysis"},
    "farm.run_schedules": {"queue": "analysis"},
    "farm.send_notices": {"queue": "mail"},
    "farm.wake_builders": {"queue": "analysis"},
    "farm.look_at_builders": {"queue": "analysis"},
    "farm.*": {"queue": "builds"},
}

EVERY = {
    "drain-pending-payloads": ("ingest.drain_pending", 30),
    "match-waiting-scans": ("ingest.match_scans", 60),
    "match-waiting-inspections": ("inspections.match_inspections", 60),
    "verify-what-waits": ("trust.verify_waiting", 30),
    "expire-waivers": ("security.expire_waivers", 60),
    "match-waiting-sboms": ("sboms.match_sboms", 60),
    "run-what-waits": ("farm.wake_builders", 10),
    "reap-silent-builds": ("farm.reap_silent", 10),
    "look-at-builders": ("farm.look_at_builders", 60),
    "explain-what-waits": ("cache.explain_waiting", 10),
    "add-up-changed-days": ("cache.roll_up_stale", 10),
    "follow-series": ("trends.follow_waiting", 15),
    "add-up-builders": ("resources.roll_up_waiting", 10),
    "weigh-builders": ("resources.weigh_builders", 30),
    "follow-sizes": ("sizes.follow_waiting", 15),
    "read-images": ("sizes.read_images", 60),
    "follow-bases": ("bases.follow_waiting", 15),
    "look-at-bases": ("bases.look_into_registries", 300),
    "look-into-builders": ("cache.snapshot_builders", 300),
    "advise-services": ("cache.advise_services", 60),
    "renew-recommendations": ("recommendations.renew_due", 30),
    "look-into-registries": ("cache.look_into_registries", 600),
    "go-on-with-operations": ("cache.wake_operations", 30),
    "run-schedules": ("farm.run_schedules", 15),
    "send-notices": ("farm.send_notices", 60),
}
"""Names with their tasks and seconds. One that could not run before the next is due is dropped."""

NIGHTLY = {
    "enforce-retention": ("cache.enforce_retention", 2, 30),
    "forget-old-snapshots": ("cache.forget_old_snapshots", 3, 20),
    "purge-old-payloads": ("ingest.purge_expired", 3, 10),
    "verify-audit-chains": ("audit.verify_chains", 3, 40),
}
"""Names with their tasks, hours and minutes in UTC."""

SWEEP_SECONDS = 600


def schedule(build_queues: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the schedule as Celery's beat takes it.

    Each queue of builds has workers, and directories, of its own, which are swept there.
    """
    often = {
        name: {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}
        for name, (task, seconds) in EVERY.items()
    }
    nightly = {
        name: {"task": task, "schedule": crontab(hour=str(hour), minute=str(minute))}
        for name, (task, hour, minute) in NIGHTLY.items()
    }
    sweeps = {
        f"sweep-work-dirs-{queue}": {
            "task": "farm.sweep_work_dirs",
            "schedule": float(SWEEP_SECONDS),
            "options": {"queue": queue, "expires": SWEEP_SECONDS},
        }
        for queue in build_queues
    }
    return often | nightly | sweeps
