"""BuildKit's formats and commands, without Django and without pandas."""
