"""From a query to its matches."""
