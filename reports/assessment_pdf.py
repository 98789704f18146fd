"""The vulnerability assessment as PDF."""

from collections.abc import Iterable, Sequence

from reportlab.platypus import Flowable

from buildinsights.pdf import HEADING, NOTE, TITLE, day, document, table_of, text_of
from reports.assessment import Assessment, ImageLine


def as_pdf(found: Assessment) -> bytes:
    """Return the report as PDF; the same report is the same bytes."""
    parts = [*_summary(found), *_how(found), *_severities(found), *_findings(found)]
    parts += [*_waivers(found), *_images(found)]
    return document(f"Vulnerability assessment of {found.project}", parts)


def _summary(found: Assessment) -> Iterable[Flowable]:
    scope = f"{found.service or 'all services'}, {found.environment or 'all environments'}"
    yield text_of(f"Vulnerability assessment of {found.project}", TITLE)
    period = f"{day(found.first)} to {day(found.last)}"
    made = f"{found.made_at:%-d %b %Y %H:%M} UTC"
    yield text_of(f"Scope: {scope}. Period: {period}. Made {made}.", NOTE)
    median = "not told, over half are open" if found.median_days is None else found.median_days
    yield text_of(
        f"{found.open} findings are open, {found.overdue} of them overdue;"
        f" {found.due_in_a_week} more are due within a week."
        f" {found.fixed} were fixed in the period. Median days until a fix: {median}."
        f" {found.waived} are waived, {found.not_affected} are stated as not affected."
    )


def _how(found: Assessment) -> Iterable[Flowable]:
    had = found.coverage
    yield text_of("How it was made", HEADING)
    yield text_of(
        f"Newest images: {had['images']}. Scanned: {had['scanned']}. Pass their policy:"
        f" {had['passed']}. Signed and trusted: {had['trusted']}. With an SBOM:"
        f" {had['with_sbom']}. Inspected: {had['inspected']}."
    )
    for item in found.scanners:
        yield text_of(
            f"{item.name} {item.version or 'of a version that is not said'}, newest images:"
            f" {item.images}, the oldest scan of"
            f" {day(item.oldest_scan)}, the oldest database of"
            f" {day(item.oldest_database) if item.oldest_database else 'a day that is not said'}."
        )
    if found.not_scanned:
        yield text_of(f"Not scanned: {', '.join(found.not_scanned)}.")


def _severities(found: Assessment) -> Iterable[Flowable]:
    heads = ("Severity", "Open", "Overdue", "Came", "Came back", "Gone", "Change", "Days to a fix")
    yield text_of("By severity", HEADING)
    yield table_of(
        heads,
        (20, *[-10] * 7),
        [
            (
                line.severity,
                line.open,
                line.overdue,
                line.came,
                line.back,
                line.went,
                line.change,
                "–" if line.median_days is None else line.median_days,
            )
            for line in found.severities
        ],
    )


def _findings(found: Assessment) -> Iterable[Flowable]:
    yield text_of("Open findings", HEADING)
    if found.left_off:
        listed = len(found.findings)
        yield text_of(f"The worst {listed}; {found.left_off} more are in the CSV.", NOTE)
    heads = ("Severity", "Finding", "Where", "Service", "From", "Fixed in", "First seen", "Due")
    yield (
        table_of(
            heads,
            (10, 20, 32, 16, 12, 16, -12, -14),
            [
                (
                    line.severity,
                    line.name,
                    line.where,
                    line.service,
                    line.origin or "–",
                    line.fixed_version or "–",
                    day(line.first_seen_at),
                    (day(line.due_at) if line.due_at else "–")
                    + (" overdue" if line.is_overdue else ""),
                )
                for line in found.findings
            ],
        )
        if found.findings
        else text_of("None.")
    )


def _waivers(found: Assessment) -> Iterable[Flowable]:
    yield text_of("Waivers in force", HEADING)
    yield (
        table_of(
            ("What", "Covers", "Why", "Asked for by", "Approved by", "Until"),
            (18, 26, 40, 12, 18, -12),
            [
                (
                    line.name,
                    line.covers,
                    f"{line.kind}: {line.reason}",
                    line.requested_by,
                    f"{line.approved_by}, {day(line.approved_at)}",
                    day(line.expires_at),
                )
                for line in found.waivers
            ],
        )
        if found.waivers
        else text_of("None.")
    )


def _images(found: Assessment) -> Iterable[Flowable]:
    yield text_of("Newest images", HEADING)
    yield (
        table_of(
            ("Image", "Digest", "Verdict", "Signature", "SBOM", "Checks failing", "Scanned"),
            (26, 26, 40, 14, 8, -10, -12),
            [_image(line) for line in found.images],
        )
        if found.images
        else text_of("No build has made an image yet.")
    )


TRUSTED = {True: "trusted", False: "not trusted", None: "not verified"}


def _image(line: ImageLine) -> Sequence[object]:
    verdict = f"{line.verdict} by {line.policy}. {line.reason}" if line.verdict else "not asked"
    return (
        line.name,
        line.digest,
        verdict,
        TRUSTED[line.is_trusted],
        "yes" if line.has_sbom else "none",
        "not inspected" if line.failing_checks is None else line.failing_checks,
        day(line.scanned_at) if line.scanned_at else "never",
    )
