"""The simulated YouTube: Google's consent and tokens, Data API, Analytics and the WebSub hub."""
