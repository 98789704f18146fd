"""The ``buildinsights`` command: builds by Bake, records what happened, tells and sends it."""
