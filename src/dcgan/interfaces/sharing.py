"""The commands that bring a run to other people and programs: options in, words out, and an exit code."""

from contextlib import suppress

from dcgan.commands.options import PlayOptions
from dcgan.commands.sharing_options import PushOptions, ServeOptions, TrackOptions
from dcgan.errors import ExitCode
from dcgan.interfaces.arguments import parse
from dcgan.interfaces.signals import Stop
from dcgan.wording import plain


def play(words: list[str]) -> int:
    """``dcgan play``: serves the page until Ctrl-C."""
    options = parse(PlayOptions, words, "dcgan play")
    import webbrowser

    from dcgan.commands.playing import Saver
    from dcgan.interfaces.player import Player

    with Player(Saver(options), options.port) as player, suppress(KeyboardInterrupt):
        print(f"{player.address} is the page of {plain(player.saver.name)}. Ctrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(player.address)
        player.serve_forever()
    return ExitCode.OK


def push(words: list[str]) -> int:
    """``dcgan push``: lists the files; sends them only with ``--yes``."""
    options = parse(PushOptions, words, "dcgan push")
    from dcgan.commands.push import pack

    parcel = pack(options)
    for line in (*parcel.lines(), *parcel.remarks):
        print(plain(line))
    visible = "visible to everybody" if options.public else "visible to you alone"
    if not options.yes:
        print(f"Nothing was sent. With --yes these {len(parcel.files)} files go to {plain(options.repo)}, which is")
        print(f"made if there is none, {visible}.")
        return ExitCode.OK
    from dcgan.export.hub_upload import send

    sent = send(parcel.files, options.repo, private=not options.public)
    print(f"Sent to {plain(sent.address)}. This very version: hub:{plain(options.repo)}@{plain(sent.revision)}")
    return ExitCode.OK


def serve(words: list[str]) -> int:
    """``dcgan serve``: exit code 130 after Ctrl-C, 143 after SIGTERM, both with every accepted request answered."""
    options = parse(ServeOptions, words, "dcgan serve")
    from dcgan.interfaces.service_server import serve as listen

    with Stop() as stop:
        listen(options, lambda text: print(plain(text), flush=True))
    return stop.asked or ExitCode.OK


def track(words: list[str]) -> int:
    """``dcgan track``: what a tracker was not told before."""
    options = parse(TrackOptions, words, "dcgan track")
    from dcgan.commands.track import track as tell

    told = tell(options)
    new = f"{told.lines:,} lines of the journal told" if told.lines else "everything was told before"
    print(f"{plain(told.run)}: {new}. To see them: {plain(told.command)}")
    return ExitCode.OK
