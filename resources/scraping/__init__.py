"""Scraping: public pages are visited gently, typed, committed with their visits, and told of."""
