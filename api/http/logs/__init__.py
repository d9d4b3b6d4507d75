"""The log of the server: its form, and a line for each request."""
