"""Alembic's entry: migrations run on the connection that ``resources.migrations`` hands over."""

from alembic import context

from resources.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
