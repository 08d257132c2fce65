# The image of every process; `docker build --target sandbox .` makes the one of the stand-in partners.
FROM python:3.12-slim AS runtime
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# The settings of a build are not those of production: nothing is served, only files are collected.
RUN DJANGO_DEBUG=1 STATIC_ROOT=/app/static python manage.py collectstatic --no-input \
    && useradd --system --no-create-home app
ENV STATIC_ROOT=/app/static DJANGO_SETTINGS_MODULE=config.settings PORT=8000
USER app
EXPOSE 8000
CMD ["sh", "-c", "exec gunicorn config.wsgi --workers 2 --threads 8 --worker-class gthread --bind 0.0.0.0:$PORT --no-control-socket"]

FROM python:3.12-slim AS sandbox
ENV PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements-dev.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-dev.txt
COPY sandbox sandbox
RUN useradd --system --no-create-home app && mkdir /ledger && chown app /ledger
USER app
CMD ["python", "-m", "sandbox", "--host", "0.0.0.0", "--port", "8900", "--ledger", "/ledger/sandbox.sqlite3"]

FROM runtime
