"""The management web app."""
