"""Faults in the words of the Graph API."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults import QUOTA_SECONDS, Rule
from simulator.instagram import errors
from simulator.instagram.errors import Refused
from simulator.instagram.usage import account_header, app_header

OVER = 104  # percent


def refused(rule: Rule, account: int | None = None) -> Refused | None:
    """Return the error that a fault puts in a reply's place, ``None`` where the real reply is needed.

    ``retry_after`` of the rule is told in whole minutes; no such error has a ``Retry-After``.
    """
    if rule.kind == "rate_limit":
        return errors.too_many_of_app((app_header(OVER),))
    if rule.kind == "quota":
        seconds = QUOTA_SECONDS if rule.retry_after is None else rule.retry_after
        header = account_header(account or 0, OVER, -(-seconds // 60))
        return errors.too_many_of_account((header,))
    if rule.kind == "server_error":
        return errors.server_error()
    if rule.kind == "forbidden":
        return errors.no_permission()
    if rule.kind == "revoked":
        return errors.dead_token(errors.DISAPPROVED, 458)
    return None


def reply(rule: Rule, account: int | None) -> Reply | None:
    """Return a fault's refusal as a Graph error; the rule's ``status`` wins."""
    problem = refused(rule, account)
    if problem is None:
        return None
    problem.status = rule.status or problem.status
    return problem.reply()
