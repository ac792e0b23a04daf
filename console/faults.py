"""What a request that cannot be answered gets: a page, or JSON, that names the cure and shows no insides."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from console.guard import secured
from console.pages import Message, PageError, message_page, wants_json
from console.problems import ProblemError, answer_problem
from resources.errors import InputRefused, SealBroken, SettingMissing

NOT_FOUND = Message("There is nothing here", "The address is misspelt, or what it showed is gone.")
NOT_ALLOWED = Message("That is not done this way", "The address exists, but not for this kind of request.")
BROKEN = Message(
    "Something in Backline broke",
    "The request was not finished; nothing was stored by halves.",
    "Try once more. If it breaks again, the console's log has the details: report them.",
)
NO_DATABASE = Message(
    "The database does not answer",
    "It cannot be reached, or it has not been brought to this version's tables.",
    "Run `backline db upgrade`, then look at /readyz, which says what is missing.",
)


def answer(request: Request, message: Message, status: int) -> Response:
    """Say it as a page, or to a program as JSON."""
    if not wants_json(request):
        return message_page(message, status)
    error = {"title": message.title, "detail": message.text, "cure": message.cure}
    return JSONResponse({"error": error}, status)


def _page_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, PageError):
        raise error
    return answer(request, error.message, error.status)


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return answer(request, NOT_FOUND, status)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return answer(request, NOT_ALLOWED, status)
    return answer(request, Message(HTTPStatus(status).phrase, "The request was not understood."), status)


def _invalid(request: Request, error: Exception) -> Response:
    """Name the fields that were refused, never what stood in them."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    fields = ", ".join(sorted({str(problem["loc"][:2][-1]) for problem in problems})) or "the request"
    message = Message(
        "A value was not understood", f"What is wrong: {fields}.", "Go back and choose from what is offered."
    )
    return answer(request, message, HTTPStatus.UNPROCESSABLE_ENTITY)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, InputRefused):
        raise error
    missing = isinstance(error, SettingMissing)
    title = "A setting is missing" if missing else "A value was refused"
    message = Message(title, f"{error.field}: {error.problem}.", f"{error.cure[:1].upper()}{error.cure[1:]}.")
    status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.UNPROCESSABLE_ENTITY
    return answer(request, message, status)


def _sealed(request: Request, error: Exception) -> Response:
    return answer(request, Message("A stored secret does not open", str(error)), 500)


def _database(request: Request, _error: Exception) -> Response:
    return answer(request, NO_DATABASE, HTTPStatus.SERVICE_UNAVAILABLE)


def _broken(request: Request, _error: Exception) -> Response:
    """Answer a fault of our own; it is sent from outside the guard, and so gets its headers here."""
    return secured(answer(request, BROKEN, HTTPStatus.INTERNAL_SERVER_ERROR))


def handle_faults(app: FastAPI) -> None:
    """Give the application its handlers."""
    app.add_exception_handler(PageError, _page_error)
    app.add_exception_handler(ProblemError, answer_problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InputRefused, _refused)
    app.add_exception_handler(SealBroken, _sealed)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(Exception, _broken)
