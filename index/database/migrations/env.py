"""How Alembic reaches the catalog: through the engine that is open already, one transaction a step."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine

from earwitness.index.database.sqlite import WRITES
from earwitness.index.database.tables import METADATA

engine: Engine = context.config.attributes["engine"]

with engine.connect().execution_options(**{WRITES: True}) as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
