"""Reading public pages: what a visit brought back, and the one thing that it turned out to be.

Nothing here asks anybody for anything: a reader is a pure function from a capture to a verdict. See
``docs/decisions/0015-typed-outcomes.md``.
"""
