"""Follow a page on a scratch copy of the project: write its files, make its changes, give its commands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests import tree

ROOT: Final = tree.ROOT
FENCE: Final = re.compile(
    r'^```(?P<kind>\w+)(?: title="(?P<path>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S
)
SECONDS: Final = 120
AUTHOR: Final = ["-c", "user.name=reader", "-c", "user.email=reader@example.com"]


class CannotFollow(AssertionError):
    """The page asks for something that cannot be done; the message says what."""


@dataclass(frozen=True)
class Block:
    """One fenced block: `path` is the file that it writes (a language) or changes (diff), "" for none."""

    kind: str
    path: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Return the fenced blocks of a page, in order."""
    for match in FENCE.finditer(page.read_text()):
        yield Block(match["kind"], match["path"] or "", match["text"])


def counted(page: Path) -> list[int]:
    """Return the numbers of a page's table of files, from top to bottom."""
    table = page.read_text().partition("<!-- count:start -->")[2].partition("<!-- count:end -->")[0]
    return [int(number) for number in re.findall(r"\| (\d+) \|", table)]


@dataclass
class Copy:
    """A scratch copy of the working tree, under version control of its own."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def follow(self, page: Path) -> list[str]:
        """Do everything that a page says; return the commands that were given.

        Raises:
            CannotFollow: a file is there already, a change fits not exactly once, a command failed.
        """
        given = []
        for block in blocks(page):
            if block.kind == "sh":
                given += [self.run(line) for line in _lines(block.text)]
            elif block.path:
                self.apply(block)
        return given

    def apply(self, block: Block) -> None:
        """Write a file, or make a change in one.

        Raises:
            CannotFollow: the file is there already, or the change does not fit exactly once.
        """
        if block.kind == "diff":
            self._change(block)
        else:
            self._write(block)

    def run(self, line: str) -> str:
        """Give one command; return it.

        Raises:
            CannotFollow: it failed.
        """
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.root,
            env={**os.environ, "PATH": _path(), "DJANGO_DEBUG": "1", **self.env},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise CannotFollow(f"$ {line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return line

    def touched(self) -> set[str]:
        """Return the files that differ from the copy as it was, by path."""
        said = self._git("status", "--porcelain", "-uall", "--no-renames")
        return {line[3:] for line in said.splitlines()}

    def keep(self, what: str) -> None:
        """Count from here on."""
        self._git("add", "-A")
        self._git("commit", "-q", "-m", what)

    def reset(self) -> None:
        """Be as at first again."""
        self._git("reset", "-q", "--hard", "first")
        self._git("clean", "-qfd")

    def _change(self, block: Block) -> None:
        path = self.root / block.path
        text = path.read_text()
        before, after = _sides(block.text)
        if text.count(before) != 1:
            raise CannotFollow(f"{block.path} has this {text.count(before)} times:\n{before}")
        path.write_text(text.replace(before, after))

    def _write(self, block: Block) -> None:
        path = self.root / block.path
        if path.exists():
            raise CannotFollow(f"{block.path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    def _git(self, *words: str) -> str:
        command = ["git", *AUTHOR, *words]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout


def copied(to: Path, **env: str) -> Copy:
    """Copy the working tree, but for what version control does not know."""
    tree.copy(to)
    copy = Copy(to, env)
    copy._git("init", "-q")
    copy._git("add", "-A")
    copy._git("commit", "-q", "-m", "as it is")
    copy._git("tag", "first")
    return copy


def _sides(diff: str) -> tuple[str, str]:
    """Return what a diff's lines were, and what they become."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    return before, after


def _lines(commands: str) -> Iterator[str]:
    """Return the commands of a block, without comments; a line that ends in a backslash goes on."""
    for line in commands.replace("\\\n", " ").splitlines():
        if command := line.partition("  #")[0].strip():
            yield command


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
