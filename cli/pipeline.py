"""What CI systems and Git tell of a build, as the fields of the ingest API."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

GIT_SECONDS = 5

# A folder of a checkout may itself look like a repository, with settings that execute programs.
GIT = ("git", "-c", "safe.bareRepository=explicit")


def pipeline_fields(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the fields that are known; a CI system's word wins over Git's.

    Not so for the author: a CI system names who started the run, which Git's name goes before.
    """
    fields = git_fields(directory)
    author = fields["author"]
    fields |= run_fields(environment)
    fields["author"] = only_name(author) or only_name(fields["author"])
    return {name: value for name, value in fields.items() if value}


def run_fields(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a CI system tells of its run, whose author is who started it."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return _github(environment)
    return _gitlab(environment) if environment.get("GITLAB_CI") == "true" else {}


def only_name(text: str) -> str:
    """Return a name; an address in its place is nobody's business and is not sent."""
    return "" if "@" in text else text[:200]


def git_fields(directory: Path) -> dict[str, str]:
    """Return revision, branch, repository and author of a work tree; empty outside of one."""
    return {
        "revision": _git(directory, "rev-parse", "HEAD"),
        "ref_name": _git(directory, "symbolic-ref", "--short", "--quiet", "HEAD"),
        "repository_url": _git(directory, "config", "--get", "remote.origin.url"),
        "author": _git(directory, "log", "-1", "--format=%an", "HEAD"),
    }


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [*GIT, *arguments],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _github(environment: Mapping[str, str]) -> dict[str, str]:
    repository = f"{environment.get('GITHUB_SERVER_URL')}/{environment.get('GITHUB_REPOSITORY')}"
    run = environment.get("GITHUB_RUN_ID", "")
    ref = environment.get("GITHUB_HEAD_REF") or environment.get("GITHUB_REF_NAME", "")
    return {
        "repository_url": repository,
        "ref_name": ref,
        "revision": environment.get("GITHUB_SHA", ""),
        "change_id": environment.get("GITHUB_REF_NAME", "").partition("/")[0]
        if environment.get("GITHUB_EVENT_NAME") == "pull_request"
        else "",
        "pipeline_name": environment.get("GITHUB_WORKFLOW", ""),
        "pipeline_run_id": run,
        "pipeline_run_url": f"{repository}/actions/runs/{run}" if run else "",
        "trigger": environment.get("GITHUB_EVENT_NAME", ""),
        "author": environment.get("GITHUB_ACTOR", ""),
    }


def _gitlab(environment: Mapping[str, str]) -> dict[str, str]:
    names = {
        "repository_url": "CI_PROJECT_URL",
        "ref_name": "CI_COMMIT_REF_NAME",
        "revision": "CI_COMMIT_SHA",
        "change_id": "CI_MERGE_REQUEST_IID",
        "pipeline_name": "CI_PROJECT_PATH",
        "pipeline_run_id": "CI_PIPELINE_ID",
        "pipeline_run_url": "CI_PIPELINE_URL",
        "trigger": "CI_PIPELINE_SOURCE",
        "author": "GITLAB_USER_NAME",
    }
    return {field: environment.get(name, "") for field, name in names.items()}
