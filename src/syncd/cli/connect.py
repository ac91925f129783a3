"""`syncd connect`, `disconnect`: a person signs in for a connection with a browser."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from syncd.cli import output
from syncd.cli.client import Client
from syncd.clock import SystemClock
from syncd.errors import RejectedError

SECONDS = 600.0
"""How long a person has to sign in, as the daemon counts as well."""
Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")]


class NoAnswer(RejectedError):
    """Sign in within ten minutes; where the browser is on another machine, use `--no-browser`."""

    code = "cli.no-answer"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("connect")(connect)
    app.command("disconnect")(disconnect)


def connect(
    name: Name,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="The browser is elsewhere: paste the address it comes back to.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Sign in for a connection with a browser; its tokens are kept sealed and renewed by the daemon."""
    with Client() as client:
        found = asyncio.run(_sign_in(client, name, paste=no_browser, aside=as_json))
    output.show(found, as_json=as_json, lines=_connected)
    if any(finding["result"] == "fault" for finding in found["findings"]):
        raise typer.Exit(output.Exit.REFUSED)


async def _sign_in(client: Client, name: str, *, paste: bool, aside: bool) -> Any:
    """
    Args:
        paste: no browser is opened and none is listened for.
        aside: whether what a person reads goes to standard error.
    """
    from syncd.cli.loopback import HOST, Listener  # only this command needs a web server

    path = f"/connections/{name}/authorization"
    registered = client.get(path)["redirect_uri"]
    here = urlsplit(registered).hostname in (None, HOST, "localhost")
    async with Listener(registered if here else "") as listener:
        begun = client.post(path, {"redirect_uri": listener.redirect_uri})
        listener.state, listener.pasted = begun["state"], paste or not here
        typer.echo(f"Sign in for {name} at:\n\n  {begun['url']}\n", err=aside)
        if not paste:
            # Some browsers return only when they are closed, and all need this loop to go on.
            threading.Thread(target=webbrowser.open, args=(begun["url"],), daemon=True).start()
        if listener.pasted:
            words = "Paste the address the browser comes back to, or the code"
            answer = await asyncio.to_thread(typer.prompt, words, err=aside)
        else:
            answer = await listener.answer(SystemClock(), SECONDS)
    if not answer:
        raise NoAnswer("The browser did not come back.")
    return client.post(f"{path}/answer", {"answer": answer, "state": begun["state"]})


def _connected(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['connection']} is connected."
    rows = [(each["result"], each["what"], each["said"], each["remedy"]) for each in found["findings"]]
    yield from output.table(("", "", "", ""), rows, indent=2)[1:]


def disconnect(name: Name, as_json: output.Json = False) -> None:
    """Forget a connection's tokens, and give them back where the vendor takes them."""
    with Client() as client:
        found = client.delete(f"/connections/{name}/authorization")
    told = "the vendor took them back" if found["revoked"] else "revoke them at the vendor, who was not told"
    said = f"The tokens of {name} are forgotten; {told}. Sign in again: syncd connect {name}"
    output.show(found, as_json=as_json, lines=lambda _: [said])
