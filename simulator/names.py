"""Invented names: no artist, song or person here is meant to be a real one."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.mixing import mix

ADJECTIVES = [
    "Velvet",
    "Paper",
    "Crooked",
    "Midnight",
    "Lukewarm",
    "Electric",
    "Borrowed",
    "Polite",
    "Feral",
    "Tangerine",
    "Reluctant",
    "Magnetic",
    "Sleepy",
    "Hollow",
    "Neon",
    "Rusty",
    "Quiet",
    "Plastic",
    "Wandering",
    "Salted",
    "Upside",
    "Gentle",
    "Burning",
    "Second",
    "Nervous",
    "Golden",
    "Invisible",
    "Nordic",
    "Dusty",
    "Analog",
    "Frozen",
    "Tidal",
]
NOUNS = [
    "Lantern",
    "Otter",
    "Harbour",
    "Staircase",
    "Pigeon",
    "Cathedral",
    "Umbrella",
    "Teapot",
    "Orchard",
    "Satellite",
    "Ferry",
    "Mirror",
    "Bicycle",
    "Glacier",
    "Carousel",
    "Raincoat",
    "Compass",
    "Mango",
    "Signal",
    "Porch",
    "Comet",
    "Attic",
    "Walrus",
    "Meadow",
    "Pylon",
    "Ghost",
    "Kettle",
    "Monsoon",
    "Typewriter",
    "Canyon",
    "Moth",
    "Parade",
]
VERBS = [
    "Waiting",
    "Dancing",
    "Falling",
    "Driving",
    "Dreaming",
    "Talking",
    "Running",
    "Counting",
    "Swimming",
    "Sleeping",
]
PLACES = [
    "Lisbon",
    "Oslo",
    "Winter",
    "Tuesday",
    "Neptune",
    "Brooklyn",
    "August",
    "Nowhere",
    "Osaka",
    "Tomorrow",
]
FIRST = [
    "Mara",
    "Ilse",
    "Tobin",
    "Anouk",
    "Dario",
    "Wren",
    "Soraya",
    "Emil",
    "Kofi",
    "Luzia",
    "Pavel",
    "Noor",
    "Ravi",
    "Saskia",
    "Juno",
    "Otis",
]
LAST = [
    "Quill",
    "Vandermoor",
    "Okello",
    "Brandt",
    "Ferreira",
    "Lindqvist",
    "Marsh",
    "Takeda",
    "Novak",
    "Osei",
    "Pell",
    "Arden",
]
GENRES = [
    "dream pop",
    "chamber folk",
    "synthwave",
    "desert rock",
    "bedroom pop",
    "jazz fusion",
    "garage soul",
    "shoegaze",
    "afro house",
    "math rock",
    "lo-fi beats",
    "nordic ambient",
]
LABELS = ["Attic Window Records", "Left Sock Music", "Tall Ship Sounds", "Second Kettle", "Northern Parade"]


def artist_name(number: int) -> str:
    """Return an artist's name."""
    seed = mix(11, number)
    adjective, noun = _pick(ADJECTIVES, seed), _pick(NOUNS, seed >> 8)
    shapes = (
        f"The {adjective} {noun}s",
        f"{adjective} {noun}",
        f"{_pick(FIRST, seed >> 16)} {_pick(LAST, seed >> 24)}",
        f"DJ {noun}",
        f"{noun} & the {_pick(NOUNS, seed >> 32)}s",
        f"{noun} Café",
    )
    return _pick(shapes, seed >> 40)


def title(number: int) -> str:
    """Return the title of a song or an album."""
    seed = mix(13, number)
    noun = _pick(NOUNS, seed)
    shapes = (
        f"{_pick(ADJECTIVES, seed >> 8)} {noun}",
        f"{_pick(VERBS, seed >> 8)} in {_pick(PLACES, seed >> 16)}",
        f"{_pick(VERBS, seed >> 8)} with the {noun}",
        f"{noun} (Demo)",
        f"No {noun} Tonight",
        f"{_pick(PLACES, seed >> 16)}, {_pick(PLACES, seed >> 24)}",
    )
    return _pick(shapes, seed >> 40)


def person_name(number: int) -> str:
    """Return a listener's name."""
    seed = mix(17, number)
    return f"{_pick(FIRST, seed)} {_pick(LAST, seed >> 8)}"


def genres(number: int) -> list[str]:
    """Return none to three genres."""
    seed = mix(19, number)
    return sorted({_pick(GENRES, seed >> 8 * place) for place in range(seed % 4)})


def label(number: int) -> str:
    """Return the name of a record label."""
    return _pick(LABELS, mix(23, number))


def _pick(choices: Sequence[str], seed: int) -> str:
    return choices[(seed & 0xFF) % len(choices)]
