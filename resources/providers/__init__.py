"""One declaration a provider."""
