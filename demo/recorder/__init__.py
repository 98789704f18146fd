"""Records real builds of the demo services: histories, repositories, packages, engine, bundles."""
