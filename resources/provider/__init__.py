"""The provider contract: everything Backline must know of a provider, as one declaration.

From a :class:`Provider` follow its assets, checks, jobs, schedules, console card, command-line words,
tables and contract tests. A declaration holds facts; the mechanisms that use them stand elsewhere.
"""

from __future__ import annotations

from resources.provider.api import MAIN_BUCKET, Api, Fault, Limit, Quota, UsageHeaders
from resources.provider.audience import Metric
from resources.provider.oauth import Identity, OAuth, SelfRenewal
from resources.provider.page import PAGES_BUCKET, STEP_SUFFIX, Agreement, Page, Site
from resources.provider.provider import OPTIONAL_STREAMS, Provider
from resources.provider.pushes import News, Pushes, PushUnreadable
from resources.provider.stream import (
    Ages,
    Choice,
    Days,
    FromAccount,
    FromConfig,
    FromStream,
    NewestFirst,
    Shared,
    Stream,
)

__all__ = [
    "MAIN_BUCKET",
    "OPTIONAL_STREAMS",
    "PAGES_BUCKET",
    "STEP_SUFFIX",
    "Ages",
    "Agreement",
    "Api",
    "Choice",
    "Days",
    "Fault",
    "FromAccount",
    "FromConfig",
    "FromStream",
    "Identity",
    "Limit",
    "Metric",
    "NewestFirst",
    "News",
    "OAuth",
    "Page",
    "Provider",
    "PushUnreadable",
    "Pushes",
    "Quota",
    "SelfRenewal",
    "Shared",
    "Site",
    "Stream",
    "UsageHeaders",
]
