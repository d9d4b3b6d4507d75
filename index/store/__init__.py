"""Everything durable of a home besides the rows: FAISS shards, lock, backup, jobs, cached findings."""
