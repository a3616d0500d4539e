"""Redis: the ledger, the keys, the records. Redis is spoken here and nowhere else."""
