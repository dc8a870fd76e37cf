"""A table of words, said in three ways: for a terminal, for a page, for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from dcgan.reporting.html import text
from dcgan.wording import plain


@dataclass(frozen=True)
class Table:
    """Words in rows. The first column is read from the left, all others line up on the right."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Sentences beneath it: what the numbers mean, and what they do not."""

    def lines(self) -> list[str]:
        """For a terminal: columns as wide as their widest cell."""
        rows = [[plain(cell) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(self.head))]
        aligned = [
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return [plain(self.title), aligned[0], "-" * max(map(len, aligned)), *aligned[1:], *map(plain, self.notes)]

    def html(self) -> str:
        """For a page, where it can be scrolled when it is too wide."""
        head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in self.head)
        rows = "".join(
            f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
            for row in self.rows
        )
        notes = "".join(f'<p class="note">{text(note)}</p>' for note in self.notes)
        return (
            f'<section><h2>{text(self.title)}</h2><div class="card wide" tabindex="0"><table><thead><tr>{head}</tr>'
            f"</thead><tbody>{rows}</tbody></table></div>{notes}</section>"
        )

    def markdown(self) -> str:
        """For a page of documentation: the table alone, without title and notes."""
        rows = [self.head, ["---"] * len(self.head), *self.rows]
        return "".join(f"| {' | '.join(plain(cell).replace('|', '&#124;') for cell in row)} |\n" for row in rows)
