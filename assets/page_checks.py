"""The checks of a kind of page: whether it is read, whether that can be believed, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from resources.backline import Backline
from resources.reading.verdict import Outcome
from resources.scraping.health import LOWEST_SUCCESS_RATE, PageHealth
from resources.visiting.browser import BrowserUsage

HIGHEST_BLOCK_SHARE = 0.05
LARGEST_COVERAGE_LOSS = 0.2
WALLS = (Outcome.BLOCKED, Outcome.LOGIN_WALL, Outcome.CONSENT_WALL)
DESCRIPTIONS = {
    "scraper_success_rate": "More than 98 % of the pages that exist gave a reading. If red: `grew` says "
    "which outcome did, `evidence` shows pages that came so, `cure` what to do.",
    "scraper_health": "The page that must exist was read, at most 5 % of the pages met a wall, and the "
    "browser kept within its memory. If red: the site keeps us out, or the browser is ill.",
    "response_time": "95 % of the visits took less than half of BACKLINE_PAGE_SECONDS. If red: the site is "
    "slow, or answers slowly on purpose.",
    "field_coverage": "No field that pages may lack is lacking much more often than in the 28 days before, "
    "and none that they must have was. If red: the layout is changing.",
    "value_drift": "No number more than doubled or halved since the reading before. If red: look at the page "
    "before you believe the number.",
    "source_agreement": "Page and API say the same, but for rounding and tolerance. If red: one of them is "
    "stale or wrong.",
}


def page_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the checks of one kind of page."""
    return [dg.AssetCheckSpec(name, asset=key, description=text) for name, text in DESCRIPTIONS.items()]


def judge_page(
    key: dg.AssetKey, health: PageHealth, browser: BrowserUsage, backline: Backline
) -> Iterator[dg.AssetCheckResult]:
    """Yield the verdicts of one run over one kind of page."""
    settings = backline.settings
    yield _success(key, health, settings.public_url)
    yield _health(key, health, browser, settings.browser_mb)
    yield _response_time(key, health, settings.page_seconds)
    yield _coverage(key, health)
    drifts = [f"{one.subject}: {one.column} {one.before:,} → {one.now:,}" for one in health.comparison.drifts]
    yield _warning(key, "value_drift", drifts)
    apart = [
        f"{one.subject}: {one.column} {one.page_value:,}, {one.source} {one.source_value:,}"
        for one in health.comparison.disagreements
    ]
    yield _warning(key, "source_agreement", apart)


def evidence_address(public_url: str, visit_id: object) -> str:
    """Return where the console shows what was kept of a visit."""
    return f"{public_url.rstrip('/')}/admin/integrations/scrapers/evidence/{visit_id}"


def _success(key: dg.AssetKey, health: PageHealth, public_url: str) -> dg.AssetCheckResult:
    report, rate = health.report, health.report.success_rate
    shown = [one for one in report.failures if one.has_evidence][:5]
    metadata: dict[str, Any] = {
        "success_rate": 1.0 if rate is None else round(rate, 4),
        "visits": report.visits,
        **{outcome.value: count for outcome, count in sorted(report.outcomes.items())},
        **({"grew": health.reason, "cure": health.cure} if health.reason else {}),
        **({"missing": ", ".join(sorted(report.lacking))} if report.lacking else {}),
        **({"stopped": report.stopped, "deferred": report.deferred} if report.deferred else {}),
    }
    if shown:
        lines = [
            f"- [{one.subject}]({evidence_address(public_url, one.visit_id)}): "
            f"{one.outcome.value}, {one.detail}"
            for one in shown
        ]
        metadata["evidence"] = dg.MetadataValue.md("\n".join(lines))
    if pictured := next((one for one in shown if one.has_picture), None):
        address = f"{evidence_address(public_url, pictured.visit_id)}/screenshot.png"
        metadata["screenshot"] = dg.MetadataValue.url(address)
    return _result(key, "scraper_success_rate", metadata, passed=rate is None or rate > LOWEST_SUCCESS_RATE)


def _health(
    key: dg.AssetKey, health: PageHealth, browser: BrowserUsage, browser_mb: int
) -> dg.AssetCheckResult:
    report, canary = health.report, health.report.canary
    walls = sum(report.outcomes[wall] for wall in WALLS)
    share = walls / report.visits if report.visits else 0.0
    met = canary is None or canary.outcome is Outcome.READING
    metadata = {
        "canary": canary.outcome.value if canary else "not visited",
        "block_share": round(share, 4),
        "errors": report.expected - report.outcomes[Outcome.READING],
        "browser_peak_mb": round(browser.peak_rss_mb, 1),
        "browser_cpu_seconds": round(browser.cpu_seconds, 2),
        "browser_crashes": browser.crashes,
        **({"last_success": health.last_success_at.isoformat()} if health.last_success_at else {}),
        **({"why": health.reason, "cure": health.cure} if health.reason else {}),
    }
    passed = met and share <= HIGHEST_BLOCK_SHARE and browser.peak_rss_mb <= 2 * browser_mb
    return _result(key, "scraper_health", metadata, passed=passed)


def _response_time(key: dg.AssetKey, health: PageHealth, page_seconds: float) -> dg.AssetCheckResult:
    latency = health.report.latency
    p95 = latency.percentile_ms(0.95)
    metadata = {"mean_ms": round(latency.mean_ms, 1), "p95_ms": round(p95, 1)}
    return _result(key, "response_time", metadata, passed=p95 < page_seconds * 500, warns=True)


def _coverage(key: dg.AssetKey, health: PageHealth) -> dg.AssetCheckResult:
    now, before = health.comparison.coverage, health.comparison.coverage_before
    fallen = [name for name, share in now.items() if before.get(name, share) - share > LARGEST_COVERAGE_LOSS]
    lacking = sorted({*fallen, *health.report.lacking})
    metadata: dict[str, Any] = {
        "lacking": ", ".join(lacking) or "none",
        **{f"coverage_{name}": round(share, 4) for name, share in now.items()},
        **{f"missing_{name}": count for name, count in health.report.lacking.items()},
    }
    return _result(key, "field_coverage", metadata, passed=not lacking)


def _warning(key: dg.AssetKey, name: str, problems: list[str]) -> dg.AssetCheckResult:
    listed = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in problems) or "none")
    return _result(key, name, {"found": len(problems), "numbers": listed}, passed=not problems, warns=True)


def _result(
    key: dg.AssetKey, name: str, metadata: dict[str, Any], *, passed: bool, warns: bool = False
) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(
        asset_key=key, check_name=name, passed=bool(passed), severity=severity, metadata=metadata
    )
