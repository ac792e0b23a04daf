"""What providers push: proven, stored once, and subscribed to; the sensors turn it into syncs."""
