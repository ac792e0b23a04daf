"""A look-alike of Spotify's Web API and accounts service, as they answered in 2026."""
