"""A local Spotify with faults on demand, and a receiver of our events, for demo, tests and benchmarks."""
