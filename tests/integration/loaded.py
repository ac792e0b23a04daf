"""`backline`, loaded once: each command that is asked for is a fork of this program, a process of its own.

Loading takes most commands five times as long as their work. A byte on the socket that is this program's
input comes with four files: a connection, and the command's input, output and errors. The connection says
what to run, a line of JSON; it is answered with the process id and, at the end, with the return code.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import socket
from typing import Any

from pipelines.cli import main

ANSWER_BYTES = 20


def serve(control: socket.socket) -> None:
    """Start what is asked for until nobody can ask any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for a command is waited for by nobody
    while True:
        asked, files, _, _ = socket.recv_fds(control, 1, 4)
        if not asked:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(socket.socket(fileno=files[0]), files[1:])
        for file in files:
            os.close(file)


def run(connection: socket.socket, files: list[int]) -> None:
    """Start the command that the connection names, and tell it how that ends."""
    with connection.makefile("rb") as lines:
        order = json.loads(lines.readline())
    process = os.fork()
    if process == 0:
        connection.close()
        become(order, files)
    connection.sendall(f"{process:{ANSWER_BYTES}}".encode())
    _, status = os.waitpid(process, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status):{ANSWER_BYTES}}".encode())
    os._exit(0)


def become(order: dict[str, Any], files: list[int]) -> None:
    """Be the command, to the end."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    faulthandler.enable()  # one that hangs says where, when it is aborted
    main(order["arguments"], prog_name="backline")


if __name__ == "__main__":
    list(main.commands.values())  # loads them
    gc.freeze()  # none looks through what is loaded, neither at work nor at its end
    serve(socket.socket(fileno=os.dup(0)))
