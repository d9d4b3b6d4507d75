"""Parts of the commands that answer by name: of ``index``, ``register`` and ``check``."""
