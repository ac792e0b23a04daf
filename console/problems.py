"""Problems as programs are told of them: ``application/problem+json``, RFC 9457."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from resources.json_schema import schema_of_model

MEDIA_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """One field that was refused."""

    field: str
    problem: str
    cure: str


class Problem(BaseModel):
    """Why a request was not done, and what to do about it."""

    type: str = Field(description="`urn:backline:problem:` and the word for programs.")
    title: str
    status: int
    detail: str
    cure: str
    errors: list[ProblemField] = Field([], description="The fields that were refused, where some were.")


class ProblemError(Exception):
    """A handler ends with a problem instead of its answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        self.problem, self.headers = problem, dict(headers or {})
        super().__init__(problem.title)


def problem_type(reason: str) -> str:
    """Return the word for programs as the URI that RFC 9457 wants."""
    return f"urn:backline:problem:{reason}"


def answer_problem(_request: Request, error: Exception) -> Response:
    """Answer with the problem."""
    if not isinstance(error, ProblemError):
        raise error
    problem = error.problem
    return JSONResponse(problem.model_dump(), problem.status, error.headers, media_type=MEDIA_TYPE)


def documented(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """Return what a route's documentation says of its problems: ``status_404="There is no such call."``."""
    content = {MEDIA_TYPE: {"schema": schema_of_model(Problem)}}
    return {
        int(name.removeprefix("status_")): {"description": meaning, "content": content}
        for name, meaning in statuses.items()
    }
