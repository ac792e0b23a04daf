"""Roles: what somebody may do in an org, and over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from resources.errors import InputRefused
from resources.tables import Org


class Role(StrEnum):
    """Each role may do what those before it may: look, then press, then decide who may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Its place, from 0."""
        return list(Role).index(self)


class Scope(StrEnum):
    """What a token is for."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"
    METRICS = "metrics"


CAPS = {Scope.READ: Role.VIEWER, Scope.OPERATE: Role.OPERATOR, Scope.ADMIN: Role.ADMIN}


def role_of(text: str) -> Role:
    """Read a role; raise ``InputRefused`` for what is none."""
    try:
        return Role(text)
    except ValueError:
        raise InputRefused("role", f"{text!r} is no role", f"use one of {', '.join(Role)}") from None


@dataclass(frozen=True)
class Rights:
    """Somebody's roles: over all orgs, and in some by their slugs."""

    everywhere: Role | None = None
    orgs: Mapping[str, Role] = field(default_factory=dict)

    def may(self, role: Role | str, org: str | None) -> bool:
        """Say whether a role is held in an org; ``None`` asks for all orgs, known and to come."""
        held = (self.everywhere, self.orgs.get(org) if org else None)
        return any(one is not None and one.rank >= Role(role).rank for one in held)

    def may_somewhere(self, role: Role | str) -> bool:
        """Say whether a role is held in any org at all."""
        return self.may(role, None) or any(self.may(role, org) for org in self.orgs)

    def where(self, role: Role | str = Role.VIEWER) -> frozenset[str] | None:
        """Return the slugs of the orgs in which a role is held; ``None`` is all."""
        if self.may(role, None):
            return None
        return frozenset(org for org in self.orgs if self.may(role, org))

    def capped(self, most: Role | None) -> Rights:
        """Return the same rights, none of them above a role; ``None`` leaves none."""
        if most is None:
            return Rights()
        lesser = {org: min(role, most, key=lambda one: one.rank) for org, role in self.orgs.items()}
        over_all = self.everywhere and min(self.everywhere, most, key=lambda one: one.rank)
        return Rights(over_all, lesser)


def cap_of(scopes: Iterable[str]) -> Role | None:
    """Return the highest role that a token of these scopes may use."""
    caps = [CAPS[Scope(scope)] for scope in scopes if Scope(scope) in CAPS]
    return max(caps, key=lambda one: one.rank, default=None)


def within(org_id: Any, orgs: frozenset[str] | None) -> sa.ColumnElement[bool]:
    """Return the condition that a row is of one of the orgs; one of no org is for who sees all alone."""
    if orgs is None:
        return sa.true()
    column: sa.ColumnElement[Any] = org_id
    return column.in_(sa.select(Org.id).where(Org.slug.in_(sorted(orgs))))
