"""A look-alike of the Instagram API with Instagram Login, v25.0, as it answered in 2026."""
