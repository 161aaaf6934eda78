"""`dyag serve`: the assistant over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import command

if TYPE_CHECKING:
    from assistant.app import App


@command(
    examples=(
        "dyag serve",
        "DYAG_TOKEN=… dyag serve --host 0.0.0.0 --allow-host assistant.example.org",
        "dyag serve --port 0 --log-format text",
    ),
    in_chat=False,
)
def serve(
    app: App,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; default serve.host.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65535, help="0: any that is free; default serve.port.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", help="Asked of every request. DYAG_TOKEN is not shown by ps, this is.")
    ] = None,
    chat_token: Annotated[
        str | None, typer.Option("--chat-token", help="Admits to asking and rating only; or DYAG_CHAT_TOKEN.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A public name of this server, such as a proxy's.")
    ] = None,
    dataset_root: Annotated[
        list[str] | None, typer.Option("--dataset-root", help="A folder that datasets may be read from, beside data/.")
    ] = None,
    allow_url_host: Annotated[
        list[str] | None, typer.Option("--allow-url-host", help="A host that datasets may be fetched from.")
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="Where trained models are copied to, by fsspec.")
    ] = None,
    retrain_after: Annotated[
        int | None,
        typer.Option("--retrain-after", min=0, help="Approved corrections that start a retraining; 0: never."),
    ] = None,
    log_format: Annotated[Literal["json", "text"], typer.Option("--log-format", help="Of the log on stderr.")] = "json",
    as_json: bool = False,
) -> int:
    """Serve the fine-tuning API, chat as OpenAI's clients speak it, search and feedback over HTTP.

    It listens on this machine only, and there asks for no token; any other address needs one. The URL is printed once
    requests are answered. The chat and every other command go on working on the same workspace. SIGTERM or Ctrl-C ends
    it: answers under way have 20 seconds to end, jobs go on by themselves.
    """
    from assistant.api.options_of import options_of
    from assistant.api.serving import serve as run

    options = options_of(
        app,
        host=host,
        port=port,
        token=token,
        chat_token=chat_token,
        hosts=allow_host or (),
        dataset_roots=dataset_root or (),
        url_hosts=allow_url_host or (),
        store=store,
        retrain_after=retrain_after,
    )

    def ready(url: str) -> None:
        if as_json:
            app.screen.json({"url": url, "workspace": str(app.home.path)})
        else:
            app.screen.out(f"Serving {app.home.path} at {url} (Ctrl-C ends it)")
        app.screen.flush()

    run(app, options, log_format, ready)
    return 0
