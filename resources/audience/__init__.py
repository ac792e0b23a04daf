"""The audience: numbers of every provider in one shape, by account and by org, and what is odd about them."""
