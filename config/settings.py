"""Settings, read from the environment (`.env.example` lists every variable).

Development secrets are accepted only while `DJANGO_DEBUG=1`; production refuses to start on them.
"""

from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from config import contexts, http_api, roles, web_admin

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env")


def _seconds(name: str, *, default: float) -> float:
    """Read a positive number of seconds."""
    text = env.str(name, default=str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise ImproperlyConfigured(f"{name} is a number of seconds above 0, not {text!r}.")
    return seconds


DEVELOPMENT_SECRET = "development-only-secret-key-never-for-production-0123456789"

DEBUG = env.bool("DJANGO_DEBUG", default=False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default=DEVELOPMENT_SECRET if DEBUG else "")
ALLOWED_HOSTS = env.list(
    "DJANGO_ALLOWED_HOSTS", default=["127.0.0.1", "localhost"] if DEBUG else []
)
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

# --- contexts: which of them this process serves -------------------------------------------------
INSTALLED_CONTEXTS = env.list("DJANGO_CONTEXTS", default=list(contexts.CONTEXTS))
if not INSTALLED_CONTEXTS:
    raise ImproperlyConfigured(
        f"DJANGO_CONTEXTS names no context. Known: {', '.join(contexts.CONTEXTS)}."
    )
if unknown := set(INSTALLED_CONTEXTS) - set(contexts.CONTEXTS):
    raise ImproperlyConfigured(
        f"DJANGO_CONTEXTS names unknown contexts: {', '.join(sorted(unknown))}. "
        f"Known: {', '.join(contexts.CONTEXTS)}."
    )

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *contexts.apps_of(INSTALLED_CONTEXTS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.policy.PolicyMiddleware",
    "eventbus.middleware.CorrelationMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "backoffice.sessions.SessionEndMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database: PostgreSQL everywhere -------------------------------------------------------------
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL", default="postgres://postgres@127.0.0.1:5432/travel"),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
if DATABASES["default"].get("ENGINE") != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (postgres://…).")
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "connect_timeout": 5,
    # PostgreSQL plans a statement once a connection, not at each execution. A pooler that shares
    # sessions between transactions must know prepared statements (PgBouncer 1.21), or set this to 0.
    "server_side_binding": True,
    "prepare_threshold": 2,
    "options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=10s",
}

# --- Redis: broker (db 0) and event bus (db 1) ---------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
EVENTBUS_REDIS_URL = env.str("EVENTBUS_REDIS_URL", default="redis://127.0.0.1:6379/1")
EVENTBUS_OWNERS = contexts.owners()
EVENTBUS_STREAM_CAP = env.int("EVENTBUS_STREAM_CAP", default=100_000)

# --- Celery: an accelerator; the sweeper is the guarantee ----------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "reservation"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "global_keyprefix": "travel:",
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TIMEZONE = "UTC"

# --- sagas: seconds; a test profile shortens them ------------------------------------------------
SAGA_LEASE_SECONDS = _seconds("SAGA_LEASE_SECONDS", default=30.0)
SAGA_CALL_SECONDS = _seconds("SAGA_CALL_SECONDS", default=20.0)
SAGA_SWEEP_SECONDS = _seconds("SAGA_SWEEP_SECONDS", default=2.0)
SAGA_GRACE_SECONDS = _seconds("SAGA_GRACE_SECONDS", default=5.0)
SAGA_BACKOFF_SECONDS = _seconds("SAGA_BACKOFF_SECONDS", default=2.0)
SAGA_DISPATCH = env.str("SAGA_DISPATCH", default="once")
if SAGA_DISPATCH not in {"once", "drop", "triple"}:
    raise ImproperlyConfigured("SAGA_DISPATCH is one of: once, drop, triple.")
if SAGA_DISPATCH != "once" and not DEBUG:
    raise ImproperlyConfigured("SAGA_DISPATCH is for tests: production sends each message once.")
if SAGA_CALL_SECONDS >= SAGA_LEASE_SECONDS:
    raise ImproperlyConfigured("SAGA_CALL_SECONDS must be shorter than SAGA_LEASE_SECONDS.")

# A request that crashed holds its Idempotency-Key for so many seconds.
IDEMPOTENCY_LEASE_SECONDS = _seconds("IDEMPOTENCY_LEASE_SECONDS", default=60.0)

# --- the reconciler: seconds ----------------------------------------------------------------------
RECONCILE_SECONDS = _seconds("RECONCILE_SECONDS", default=300.0)
RECONCILE_WINDOW_SECONDS = _seconds("RECONCILE_WINDOW_SECONDS", default=3600.0)

# --- the outside world ---------------------------------------------------------------------------
SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:8900")
PARTNER_API_KEY = env.str("PARTNER_API_KEY", default="sandbox-partner-key" if DEBUG else "")
STRIPE_API_BASE = env.str(
    "STRIPE_API_BASE", default=SANDBOX_URL if DEBUG else "https://api.stripe.com"
)
STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="sk_test_sandbox" if DEBUG else "")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="whsec_sandbox" if DEBUG else "")
# After so many seconds an unanswered request can no longer take effect on the other side.
PARTNER_QUIET_SECONDS = _seconds("PARTNER_QUIET_SECONDS", default=30.0)
PAYMENT_QUIET_SECONDS = _seconds("PAYMENT_QUIET_SECONDS", default=10.0)
# So many calls in a row without an answer, and a partner is left alone, at first for so many seconds.
PARTNER_BREAKER_CALLS = env.int("PARTNER_BREAKER_CALLS", default=5)
PARTNER_BREAKER_SECONDS = _seconds("PARTNER_BREAKER_SECONDS", default=15.0)
# How old what a process knows of the partners and their breakers may be.
PARTNER_LOOK_SECONDS = 0.5
# So long a customer has for 3-D Secure.
PAYMENT_ACTION_SECONDS = _seconds("PAYMENT_ACTION_SECONDS", default=600.0)
PAYMENT_GATEWAY = env.str("PAYMENT_GATEWAY", default="payments.gateways.stripe.StripeGateway")
# Gateways to partners beside those of the network: name -> class.
PARTNER_GATEWAYS = env.dict("PARTNER_GATEWAYS", default={})

# --- identity ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["identity.backends.LockingBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
REST_KNOX = {"TOKEN_TTL": timedelta(days=30), "AUTO_REFRESH": False}

# --- HTTP API (config/http_api.py) ---------------------------------------------------------------
REST_FRAMEWORK = {
    **http_api.REST_FRAMEWORK,
    # So many proxies of ours stand before the web server; what they add to X-Forwarded-For is believed.
    "NUM_PROXIES": env.int("API_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = http_api.SPECTACULAR_SETTINGS
# Multiplies every limit of identity/rates.py: for tests that do in a minute what people do in a month.
API_RATE_FACTOR = env.int("API_RATE_FACTOR", default=1)
# So many streams of events at once in each web process, which has eight threads, and for how long.
EVENT_STREAMS = env.int("EVENT_STREAMS", default=3)
EVENT_STREAM_SECONDS = _seconds("EVENT_STREAM_SECONDS", default=25.0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# --- mail, files, language -----------------------------------------------------------------------
_mail = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
if _mail["EMAIL_FILE_PATH"]:
    # django-environ drops the first slash of filemail:///a/folder.
    _mail["EMAIL_FILE_PATH"] = "/" + _mail["EMAIL_FILE_PATH"].lstrip("/")
vars().update(_mail)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="travel@localhost")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000" if DEBUG else "")
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
# Before the theme's own files: Alpine as the policy allows it (decision 0016).
STATICFILES_DIRS = [BASE_DIR / "backoffice" / "csp"]
WHITENOISE_USE_FINDERS = DEBUG
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True

# --- the web admin (config/web_admin.py, config/roles.py) ----------------------------------------
# A session ends an hour after its last use, and after twelve hours in any case.
SESSION_COOKIE_AGE = 3600
SESSION_LONGEST_SECONDS = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
LOGIN_URL, LOGIN_REDIRECT_URL = "/admin/login/", "/admin/"
BACKOFFICE_ROLES = roles.ROLES
UNFOLD = web_admin.UNFOLD

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "stripe": {"level": "WARNING"}},
}

# --- production ----------------------------------------------------------------------------------
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("DJANGO_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_REFERRER_POLICY = "same-origin"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # A neighbour under the same domain cannot set a cookie of such a name.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    _missing = [
        name
        for name, value, forbidden in [
            ("DJANGO_SECRET_KEY", SECRET_KEY, DEVELOPMENT_SECRET),
            ("DJANGO_ALLOWED_HOSTS", "*" if "*" in ALLOWED_HOSTS else ",".join(ALLOWED_HOSTS), "*"),
            ("PUBLIC_URL", PUBLIC_URL, ""),
            ("PARTNER_API_KEY", PARTNER_API_KEY, "sandbox-partner-key"),
            ("STRIPE_API_KEY", STRIPE_API_KEY, "sk_test_sandbox"),
            ("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET, "whsec_sandbox"),
        ]
        if not value or value == forbidden
    ]
    if "booking" not in INSTALLED_CONTEXTS:
        _missing = [name for name in _missing if name.startswith(("DJANGO_", "PUBLIC_"))]
    if _missing or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured(
            "Production refuses to start: set "
            + ", ".join(_missing or ["DJANGO_SECRET_KEY (50 characters or more)"])
            + " to values of your own (or DJANGO_DEBUG=1 for development)."
        )
