"""A provider's public pages as Dagster assets: one multi-asset, made from the provider's declaration."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Literal

import dagster as dg

from assets.interrupts import run_interruptibly
from assets.page_checks import judge_page, page_check_specs
from assets.runs import root_run_id
from assets.streams import LOG_EVERY_SECONDS, OWNERS, PERIODS, SOURCE_TAG
from resources.backline import Backline
from resources.errors import InputRefused
from resources.provider import FromStream, Page, Provider, Site
from resources.scraping.health import PageHealth
from resources.scraping.jobs import Wish
from resources.scraping.report import ScrapeReport
from resources.scraping.request import ScrapeRequest
from resources.scraping.run import Scraped, open_job, scrape_and_deliver
from resources.scraping.scrape import Progress

CONFIG_OF = "{provider}_pages"


class ScrapeConfig(dg.Config):
    """Which pages to visit; those of all accounts where nothing is said.

    ``job_id`` is the scraper job that asked for it; without one the run makes its own.
    """

    orgs: list[str] = []  # noqa: RUF012  # pydantic copies it
    accounts: list[str] = []  # noqa: RUF012  # likewise
    job_id: str = ""


def page_key(provider: Provider, page: Page) -> dg.AssetKey:
    """Return ``[provider, page]``."""
    return dg.AssetKey([provider.name, page.name])


def pages_op(provider: Provider) -> str:
    """Return the name of the op whose config says what to visit."""
    return CONFIG_OF.format(provider=provider.name)


def page_assets(provider: Provider, site: Site, on_progress: Progress | None = None) -> dg.AssetsDefinition:
    """Return the provider's kinds of pages as one multi-asset, which can be chosen one by one.

    ``on_progress`` hears how far it is each second; without it that is logged now and then.
    """

    @dg.multi_asset(
        name=pages_op(provider),
        specs=[_spec(provider, site, page) for page in site.pages],
        check_specs=[spec for page in site.pages for spec in page_check_specs(page_key(provider, page))],
        can_subset=True,
        pool=pages_op(provider),
    )
    def visit_pages(
        context: dg.AssetExecutionContext, config: ScrapeConfig, backline: dg.ResourceParam[Backline]
    ) -> Iterator[Any]:
        request = _request(context, config, provider, site)
        if not open_job(backline, request, _uuid("job_id", config.job_id), _job_type(request)):
            raise dg.Failure("The job was cancelled before it began.", allow_retries=False)
        scraped = run_interruptibly(
            scrape_and_deliver(backline, request, site, on_progress=on_progress or _logged(context.log.info))
        )
        yield from _results(context, request, scraped, backline)
        if reason := failure_of(scraped.report, backline.settings.failure_threshold):
            raise dg.Failure(reason, allow_retries=False)

    return visit_pages


def _spec(provider: Provider, site: Site, page: Page) -> dg.AssetSpec:
    period = PERIODS[site.every]
    return dg.AssetSpec(
        page_key(provider, page),
        description=f"{page.doc}\n\nTable `{provider.name}_{page.name}`, a row a day, read from the public "
        f"page `{site.origin}{page.path}` ({', then '.join(page.ways)}).",
        deps=[dg.AssetKey([provider.name, page.each.stream])] if isinstance(page.each, FromStream) else [],
        group_name=provider.name,
        owners=OWNERS,
        kinds={provider.name, "html"},
        tags={"backline/provider": provider.name, "backline/source": "page"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=4 * period, warn_window=2 * period),
    )


def _request(
    context: dg.AssetExecutionContext, config: ScrapeConfig, provider: Provider, site: Site
) -> ScrapeRequest:
    chosen = {key.path[-1] for key in context.selected_asset_keys}
    chosen |= {check.asset_key.path[-1] for check in context.selected_asset_check_keys}
    pages, run = tuple(page for page in site.pages if page.name in chosen), context.run
    for account in config.accounts:
        _uuid("accounts", account)
    fresh = uuid.uuid5(uuid.NAMESPACE_OID, run.run_id)
    is_first = root_run_id(run) == run.run_id
    return ScrapeRequest(
        provider=provider,
        pages=pages,
        run_id=run.run_id,
        root_run_id=root_run_id(run),
        job_id=(_uuid("job_id", config.job_id) or fresh) if is_first else fresh,
        wish=Wish(tuple(config.orgs), tuple(config.accounts), tuple(page.name for page in pages)),
        source="manual" if run.tags.get(SOURCE_TAG) == "manual" else "scraper",
    )


def _job_type(request: ScrapeRequest) -> Literal["command", "schedule"]:
    return "command" if request.by_hand else "schedule"


def _uuid(field: str, text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise InputRefused(field, f"{text!r} is not a UUID", "see `backline accounts list`") from None


def _results(
    context: dg.AssetExecutionContext, request: ScrapeRequest, scraped: Scraped, backline: Backline
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Yield what was chosen: the pages' materializations, their checks."""
    chosen = {(one.asset_key, one.name) for one in context.selected_asset_check_keys}
    for page in request.pages:
        key, health = page_key(request.provider, page), scraped.health[page.name]
        verdicts = judge_page(key, health, scraped.report.browser, backline)
        checks = [check for check in verdicts if (check.asset_key, check.check_name) in chosen]
        if key in context.selected_asset_keys:
            metadata = metadata_of(health)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks)
        else:
            yield from checks


def metadata_of(health: PageHealth) -> dict[str, Any]:
    """Return a page's numbers; times in milliseconds, the rate from 0 to 1."""
    report = health.report
    return {
        "rows": report.rows,
        "visits": report.visits,
        "success_rate": 1.0 if report.success_rate is None else round(report.success_rate, 4),
        "response_p50_ms": round(report.latency.percentile_ms(0.5), 1),
        "response_p95_ms": round(report.latency.percentile_ms(0.95), 1),
        "pages_deferred": report.deferred,
        **{f"outcome_{outcome.value}": count for outcome, count in sorted(report.outcomes.items())},
        **{f"way_{way}": count for way, count in sorted(report.ways.items())},
        **{f"layout_{layout}": count for layout, count in sorted(report.layouts.items())},
        **({"stopped": report.stopped} if report.stopped else {}),
    }


def _logged(log: Callable[[str], None]) -> Progress:
    """Return a listener that logs how far it is, now and then."""
    last = time.monotonic()

    def on_progress(report: ScrapeReport) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY_SECONDS:
            last = time.monotonic()
            log(f"{report.outcomes.total()} of {report.total} pages so far: {report.results['outcomes']}")

    return on_progress


def failure_of(report: ScrapeReport, threshold: float) -> str | None:
    """Return why a run fails as a whole, ``None`` where it does not."""
    if report.cancelled or report.failed_share <= threshold:
        return None
    share, read = f"{report.failed_share:.0%}", report.results["outcomes"]
    return f"Of {report.total} pages {share} were not read: {read}. {report.stopped}".strip()
