"""``python -m pipelines.cli`` is `backline`."""

from pipelines.cli import main

main()
