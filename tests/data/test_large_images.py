"""Large images one at a time: nobody waits for himself, and nobody for ever."""

import threading
from collections.abc import Callable

from patience import patient

from dcgan.data.decoding.large_images import LARGE_BYTES, turn, wait_if_large

LARGE = LARGE_BYTES + 1


def together(*works: Callable[[], object], seconds: float = 10) -> None:
    """Each in a thread of its own, all of which must end: one that waits for ever fails the test, and stops nothing."""
    ended = []
    threads = [threading.Thread(target=lambda work=work: (work(), ended.append(work)), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(seconds))
    assert len(ended) == len(works)


def large() -> None:
    with turn():
        wait_if_large(LARGE)


def test_of_many_threads_one_has_its_turn() -> None:
    inside, most = [], []
    ready = threading.Barrier(8)

    def work() -> None:
        ready.wait(patient(10))
        for _ in range(50):
            with turn():
                wait_if_large(LARGE)
                with turn():
                    wait_if_large(LARGE)
                inside.append(None)  # the inner block has not ended the turn
                most.append(len(inside))
                inside.pop()

    together(*[work] * 8)
    assert len(most) == 400
    assert set(most) == {1}


def test_small_ones_and_those_outside_of_a_turn_wait_for_nobody() -> None:
    def small() -> None:
        with turn():
            wait_if_large(LARGE_BYTES)

    def holder() -> None:
        with turn():
            wait_if_large(LARGE)
            together(small)
            together(lambda: wait_if_large(LARGE))

    together(holder, seconds=40)


def test_a_turn_ends_with_an_error_too() -> None:
    def unlucky() -> None:
        for _ in range(2):
            try:
                with turn():
                    wait_if_large(LARGE)
                    raise MemoryError
            except MemoryError:
                pass

    together(unlucky)
    together(large)
