"""AcoustID's lookup over the works and datasets of a home, for clients that were written for AcoustID."""
