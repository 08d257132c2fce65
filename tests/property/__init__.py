"""The real engine and services on real PostgreSQL, driven by a state machine: anything, in any order.

Partners and the card processor are in this process and keep the ledgers of the model (`tests/model/outside.py`);
the clock, the message queue and the moments of death are under the machine's control.
"""
