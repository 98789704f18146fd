"""The page to which the link in an e-mail leads; it works without signing in (RFC 8058)."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from reports.scheduled.links import recipient_of
from reports.scheduled.services import set_subscribed

AGAIN = "again"


@csrf_exempt  # mail clients post from nowhere; the token in the address says who may
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to end the e-mails; a POST ends them, or lets them come again."""
    recipient = recipient_of(token)
    if recipient is None:
        return render(request, "reports/unsubscribe.html", {"recipient": None}, status=404)
    if request.method == "POST":
        set_subscribed(recipient=recipient, is_subscribed=AGAIN in request.POST)
        recipient.refresh_from_db(fields=["unsubscribed_at"])
    context = {"recipient": recipient, "schedule": recipient.schedule, "again": AGAIN}
    return render(request, "reports/unsubscribe.html", context)
