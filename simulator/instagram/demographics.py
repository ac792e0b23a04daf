"""Who follows and who engages, by age, gender, country and city."""

from __future__ import annotations

import itertools
from typing import Any

from simulator.instagram import metrics, profile
from simulator.instagram.asked import Asked
from simulator.instagram.errors import Refused
from simulator.mixing import mix

MOST_RESULTS = 45
TIMEFRAMES = ("this_week", "this_month")  # the longer ones ended with v20.0
ENGAGED_PERCENT = {"this_week": 8, "this_month": 21}
AGES = ("13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
GENDERS = ("F", "M", "U")
COUNTRIES = (
    "US",
    "GB",
    "DE",
    "FR",
    "IT",
    "ES",
    "NL",
    "BE",
    "AT",
    "CH",
    "SE",
    "NO",
    "DK",
    "FI",
    "PL",
    "PT",
    "IE",
    "CA",
    "AU",
    "NZ",
    "BR",
    "MX",
    "AR",
    "CL",
    "CO",
    "PE",
    "JP",
    "KR",
    "IN",
    "ID",
    "TH",
    "VN",
    "PH",
    "MY",
    "SG",
    "TR",
    "GR",
    "CZ",
    "HU",
    "RO",
    "BG",
    "HR",
    "ZA",
    "NG",
    "KE",
    "EG",
    "MA",
    "IL",
    "AE",
    "SA",
)
CITIES = tuple(
    f"{city}, {region}"
    for region, cities in {
        "England": "London Leeds Bristol Manchester Liverpool York",
        "Bavaria": "Munich Augsburg Nuremberg Regensburg",
        "Lombardy": "Milan Bergamo Brescia Como Monza",
        "Catalonia": "Barcelona Girona Tarragona Reus",
        "Noord-Holland": "Amsterdam Haarlem Hoorn Alkmaar",
        "Texas": "Austin Dallas Houston Waco",
        "California": "Oakland Sacramento Fresno Pasadena",
        "Ontario": "Toronto Ottawa Hamilton Kingston",
        "Scania": "Malmö Lund Helsingborg Ystad",
        "São Paulo (state)": "Campinas Santos Sorocaba Bauru",
        "Kansai": "Osaka Kyoto Kobe Nara",
        "Maharashtra": "Mumbai Pune Nagpur Nashik",
    }.items()
    for city in cities.split()
)
VALUES = {"age": AGES, "gender": GENDERS, "country": COUNTRIES, "city": CITIES}
COMBINED = ({"age", "gender"},)


def demographics(asked: Asked, names: list[str]) -> dict[str, Any]:
    """Return the audience by dimensions; nothing of an account below 100 followers."""
    breakdowns = _check(asked, names)
    if not profile.has_audience(asked.state, asked.account):
        return {"data": []}
    return {"data": [_insight(asked, name, breakdowns) for name in names]}


def _check(asked: Asked, names: list[str]) -> list[str]:
    """Return the dimensions; raise ``Refused`` where a parameter is missing, wrong or does not belong."""
    listed = ",".join(names)
    if others := [name for name in names if name not in metrics.DEMOGRAPHICS]:
        raise Refused(f"(#100) The metrics ({','.join(others)}) cannot be asked for with demographics")
    if asked.values["period"] != "lifetime":
        raise Refused(f"(#100) The following metrics ({listed}) should be specified with period=lifetime")
    if asked.values.get("metric_type") != "total_value":
        raise Refused(
            f"(#100) The following metrics ({listed}) should be specified with parameter "
            "metric_type=total_value"
        )
    if asked.values.get("timeframe") not in TIMEFRAMES:
        raise Refused(f"(#100) timeframe must be one of the following values: {', '.join(TIMEFRAMES)}")
    if {"since", "until"} & set(asked.values):
        raise Refused("(#100) since and until do not go with demographics")
    breakdowns = asked.words("breakdown")
    known = all(name in VALUES for name in breakdowns)
    if not known or (len(breakdowns) > 1 and set(breakdowns) not in COMBINED):
        raise Refused(f"(#100) Incompatible breakdowns ({','.join(breakdowns)}) for metric ({names[0]})")
    return breakdowns


def _insight(asked: Asked, name: str, breakdowns: list[str]) -> dict[str, Any]:
    people = profile.followers(asked.state, asked.account)
    if name == "engaged_audience_demographics":
        people = people * ENGAGED_PERCENT[asked.values["timeframe"]] // 100
    results = _results(asked.account, people, breakdowns)
    return {
        "name": name,
        "period": "lifetime",
        "title": metrics.title(name),
        "description": metrics.description(name),
        "total_value": {"breakdowns": [{"dimension_keys": breakdowns, "results": results}]},
        "id": f"{asked.node.id}/insights/{name}/lifetime",
    }


def _results(account: int, people: int, breakdowns: list[str]) -> list[dict[str, Any]]:
    """Return the largest groups; those left out, and people who told nothing, are in none."""
    groups = list(itertools.product(*(VALUES[name] for name in breakdowns)))
    weights = [1 + mix(353, account, place) % 1_000 for place in range(len(groups))]
    counts = [people * weight // sum(weights) for weight in weights]
    ranked = sorted(zip(counts, groups, strict=True), key=lambda entry: -entry[0])
    return [
        {"dimension_values": list(group), "value": count} for count, group in ranked[:MOST_RESULTS] if count
    ]
