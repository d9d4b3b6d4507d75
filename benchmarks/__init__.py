"""How well and how fast: corpus, degradations, peers, metrics, training, records."""
