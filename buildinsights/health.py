"""For load balancers and orchestrators: does the process live, can it serve."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError

from audit.models import AuditChain
from buildinsights.celery import app


@login_not_required
def livez(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process can; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Tell of each thing that is needed whether it answers; 503 if one does not."""
    checks = {"database": _database(), "migrations": _migrations(), "broker": _broker()}
    failing = [name for name, problem in checks.items() if problem]
    report = {name: problem or "ok" for name, problem in checks.items()}
    report["audit"] = _audit() or "ok"  # told, but no reason to serve nobody
    return JsonResponse(
        {"version": settings.VERSION, "checks": report}, status=503 if failing else 200
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "no answer"
    return ""


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "no answer"
    return f"{len(pending)} not applied" if pending else ""


def _audit() -> str:
    try:
        broken = AuditChain.objects.broken().count()
    except DatabaseError:
        return "no answer"
    return f"{broken} chain{'' if broken == 1 else 's'} broken" if broken else ""


def _broker() -> str:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=0, timeout=2)
    except OperationalError:
        return "no answer"
    return ""
