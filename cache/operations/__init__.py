"""Operations on caches: planned by a worker, confirmed by somebody, and done."""
