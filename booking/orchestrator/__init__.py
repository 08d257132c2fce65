"""The orchestrator: runs any saga, knows no travel and no Celery. Machine room; the flow is in booking/sagas.py."""
