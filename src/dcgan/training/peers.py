"""How the processes of a run know of each other: they introduce themselves, and notice when one of them is gone.

All of it goes through the small table of strings that ``torch.distributed`` calls a store. Each process says four
times a second that it is there. One that is silent for longer than ``silence`` seconds, because it is frozen or its
machine is, ends the others: nobody waits for ever.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from torch.distributed import DistError, Store  # type: ignore[attr-defined]  # it is public

from dcgan.errors import ExitCode, UserError

PERIOD = 0.25  # seconds from one sign of life to the next
LOOKING = 8  # periods that are enough to see who is gone once something went wrong
LONG = timedelta(days=365)  # for what takes as long as it takes, while everybody is alive


class Peers:
    """All processes of a run, as one of them sees the others."""

    def __init__(self, store: Store, rank: int, size: int, *, silence: float, say: Callable[[str], object]) -> None:
        """``say`` is how this process speaks to the person, if another one ends it."""
        self.store, self.rank, self.size, self.silence, self._say = store, rank, size, silence, say
        self.speaks = rank == 0
        """Whether this process tells the person what went wrong with all."""
        self._over, self._leader = threading.Event(), os.getppid()
        self._rounds = 0  # of signs given and looked for
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._watch, self._watch_the_store)]

    def meet(self, facts: dict[str, Any], patience: float) -> None:
        """Wait for all to come, and compare what they are with the first one.

        Raises:
            UserError: One of them did not come, or is another; says which, and how.
        """
        self.store.set(f"facts/{self.rank}", json.dumps(facts))
        if self.rank == 0:
            self.store.set("verdict", self._verdict(facts, patience))
        self.store.wait(["verdict"], timedelta(seconds=patience + self.silence))
        if told := self.store.get("verdict").decode():
            self.leave(ExitCode.USAGE)
            if self.rank:  # one of them says it
                raise SystemExit(int(ExitCode.USAGE))
            raise UserError(told)
        for thread in self._threads:
            thread.start()

    def _verdict(self, facts: dict[str, Any], patience: float) -> str:
        """What is wrong with the first process that is not as this one; nothing if all are."""
        limit = time.monotonic() + patience
        for rank in range(1, self.size):
            try:
                self.store.wait([f"facts/{rank}"], timedelta(seconds=max(0.001, limit - time.monotonic())))
            except DistError:
                return f"Process {rank} of {self.size} did not come within {patience:.0f} s: is it there?"
            theirs = json.loads(self.store.get(f"facts/{rank}"))
            for name in facts | theirs:
                if (there := theirs.get(name)) != (here := facts.get(name)):
                    return (
                        f"Process {rank} of {self.size} is not as process 0: {name} is {there}, not {here}. "
                        "All need the same program, settings and kind of machine."
                    )
        return ""

    def tell(self, name: str, value: Any) -> None:
        """Let all others know something."""
        self.store.set(name, json.dumps(value))

    def hear(self, name: str) -> Any:
        """What one of them tells, however long it takes.

        Raises:
            UserError: It is gone.
        """
        try:
            self.store.wait([name], LONG)
            return json.loads(self.store.get(name))
        except DistError as error:
            raise self.lost() from error

    def lost(self) -> UserError:
        """Why an exchange has just failed, as an error that says who is gone: told by the first one that is left."""
        gone = self._gone()
        with suppress(DistError):
            self.store.set(f"noticed/{self.rank}", "")
        told = f"{_named(gone)} of {self.size} gone" if gone else "a connection between its processes broke"
        self.speaks = self.rank == min(set(range(self.size)) - set(gone))
        return UserError(self._told(told), ExitCode.PEER)

    def leave(self, code: int) -> None:
        """The first process ends the run for all, and waits a little until they have left; the others wait for that."""
        self._over.set()
        limit = time.monotonic() + LOOKING * PERIOD
        with suppress(DistError):
            if self.rank:
                self.store.add("left", 1)
                self.store.wait(["over"], timedelta(seconds=LOOKING * PERIOD))
                return
            self.store.set("over", str(int(code)))
            while self.store.add("left", 0) < self.size - 1 and time.monotonic() < limit:
                time.sleep(0.01)

    def _gone(self) -> list[int]:
        """Those that give no sign of life now, and did not leave because of others.

        It is the first process when nothing can be heard of anybody.
        """
        try:
            before = self._signs(self.store)
            time.sleep(LOOKING * PERIOD)
            after = self._signs(self.store)
            silent = [rank for rank in range(self.size) if rank != self.rank and before[rank] == after[rank]]
            return [rank for rank in silent if not self.store.check([f"noticed/{rank}"])]
        except DistError:
            return [0]

    def _signs(self, store: Store) -> list[int]:
        return [store.add(f"sign/{rank}", 0) for rank in range(self.size)]

    def _watch(self) -> None:
        """Give signs of life; end this process when another one gives none for too long, or has ended the run."""
        store = self.store.clone()  # type: ignore[attr-defined]  # as documented: another thread may wait for something in the first one
        signs, seen = [0] * self.size, [time.monotonic()] * self.size
        while not self._pause(seen):
            self._rounds += 1
            try:
                store.add(f"sign/{self.rank}", 1)
                for rank, sign in enumerate(self._signs(store)):
                    if sign != signs[rank]:
                        signs[rank], seen[rank] = sign, time.monotonic()
                if self.rank and store.check(["over"]):
                    self._end(int(store.get("over")))
            except DistError:  # the first process is gone, or frozen
                pass
            now = time.monotonic()
            silent = [rank for rank in range(self.size) if rank != self.rank and now - seen[rank] > self.silence]
            if silent:
                self._end(ExitCode.PEER, self._told(f"{_named(silent)} of {self.size} silent for {self.silence:.0f} s"))
            if os.getppid() != self._leader:  # who started this process is gone: save, and end
                self._leader = os.getppid()
                os.kill(os.getpid(), signal.SIGTERM)

    def _watch_the_store(self) -> None:
        """End this process when the store gives no answer: the first process, which holds it, is frozen."""
        rounds, since = self._rounds, [time.monotonic()]
        while not self._pause(since):
            if rounds != self._rounds:
                rounds, since[0] = self._rounds, time.monotonic()
            elif time.monotonic() - since[0] > self.silence:
                self._end(ExitCode.PEER, self._told(f"{_named([0])} of {self.size} silent for {self.silence:.0f} s"))

    def _pause(self, seen: list[float]) -> bool:
        """Wait for a period; whether this process is about to leave. One that was frozen itself blames nobody."""
        before = time.monotonic()
        over = self._over.wait(PERIOD)
        if time.monotonic() - before > LOOKING * PERIOD:
            seen[:] = [time.monotonic()] * len(seen)
        return over

    def _end(self, code: int, text: str = "") -> None:
        """At once: the main thread may be waiting for what never comes."""
        if not text and self._over.wait(LOOKING * PERIOD):
            return  # it has left by itself
        with suppress(OSError, ValueError):
            self._say(text)
            sys.stderr.flush()
        os._exit(int(code))

    def _told(self, what: str) -> str:
        return f"Training ends: {what}. The same command goes on from the last checkpoint."


def _named(ranks: list[int]) -> str:
    return f"process{'es' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
