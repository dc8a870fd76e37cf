"""The commands that bring a generator to other people: options in, words out, and an exit code."""

from dcgan.commands.sharing_options import PushOptions, ServeOptions
from dcgan.errors import ExitCode
from dcgan.interfaces.arguments import parse
from dcgan.interfaces.signals import Stop
from dcgan.wording import plain


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
