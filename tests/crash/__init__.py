"""The crash harness: kill the system on each side of everything that leaves a process, recover, judge.

`python -m tests.crash` (or `make crash`). docs/testing.md says how it works and what it shows.
"""
