"""What images stand on: told from Dockerfiles and provenance, and changes of it."""
