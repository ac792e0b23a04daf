"""How commands refuse: exit 2 for wrong use, 1 for what went wrong, each in a sentence with its cure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import pydantic
import sqlalchemy as sa

from pipelines.cli.output import fail
from resources.errors import BacklineError, InputRefused
from resources.settings import ProviderSettings


@contextmanager
def as_sentences() -> Iterator[None]:
    """End the program with a sentence where the block raises what people can mend."""
    try:
        yield
    except InputRefused as error:
        fail(str(error), 2)
    except BacklineError as error:
        fail(str(error), 1)
    except pydantic.ValidationError as error:
        fail(str(_refused_setting(error)), 2)
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        fail(str(_refused_use(error)), 2)
    except sa.exc.DBAPIError as error:
        problem = str(error.orig).strip().splitlines()[0]
        fail(f"The database refused: {problem}. See `backline doctor`, or correct BACKLINE_DATABASE_URL.", 1)


def _refused_setting(error: pydantic.ValidationError) -> InputRefused:
    """Return the first refused setting; its value is not repeated."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = "_".join(map(str, first["loc"])).upper()
    if error.title == ProviderSettings.__name__:
        name = f"BACKLINE_<PROVIDER>_{name}"
    elif name != "DAGSTER_HOME":
        name = f"BACKLINE_{name}"
    return InputRefused(name, first["msg"], "correct it in the environment or .env")


def _refused_use(error: click.UsageError) -> InputRefused:
    """Return wrong use of a command as the field and the cure."""
    cure = f"see `{error.ctx.command_path if error.ctx else 'backline'} --help`"
    if isinstance(error, click.NoSuchOption):
        return InputRefused(error.option_name, "is unknown", _nearest(error.possibilities) or cure)
    if isinstance(error, click.exceptions.NoSuchCommand):
        return InputRefused(error.command_name, "is not a command", _nearest(error.possibilities) or cure)
    field, problem = "arguments", error.message.rstrip(".")
    if isinstance(error, click.BadParameter):
        field = _name_of(error.param) if error.param else field
        problem = "is missing" if isinstance(error, click.MissingParameter) else problem
    return InputRefused(field, problem, cure)


def _name_of(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return parameter.metavar or (parameter.name or "argument").upper()
    return " / ".join(parameter.opts)


def _nearest(names: list[str] | None) -> str:
    return f"did you mean {', '.join(names)}" if names else ""
