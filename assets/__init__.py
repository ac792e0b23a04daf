"""What data exists: the streams of every provider as Dagster assets, and their checks."""
