"""Local look-alikes of the providers, strict and able to misbehave, and an event receiver."""
