"""Large images one at a time: nobody waits for himself, and nobody for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

from dcgan.data.turns import LARGE_BYTES, turn, wait_if_large

LARGE = LARGE_BYTES + 1


def test_of_many_threads_one_has_its_turn() -> None:
    inside, most = [], []
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait(10)
        for _ in range(50):
            with turn():
                wait_if_large(LARGE)
                with turn():
                    wait_if_large(LARGE)
                inside.append(number)  # the inner block has not ended the turn
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8), timeout=60))
    assert len(most) == 400
    assert set(most) == {1}


def test_small_ones_and_those_outside_of_a_turn_wait_for_nobody() -> None:
    with turn():
        wait_if_large(LARGE)
        with ThreadPoolExecutor(1) as pool:

            def small() -> None:
                with turn():
                    wait_if_large(LARGE_BYTES)

            pool.submit(small).result(timeout=10)
            pool.submit(wait_if_large, LARGE).result(timeout=10)


def test_a_turn_ends_with_an_error_too() -> None:
    for _ in range(2):
        try:
            with turn():
                wait_if_large(LARGE)
                raise MemoryError
        except MemoryError:
            pass
    with ThreadPoolExecutor(1) as pool:

        def other() -> None:
            with turn():
                wait_if_large(LARGE)

        pool.submit(other).result(timeout=10)
