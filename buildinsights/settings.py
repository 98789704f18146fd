"""All settings, read from top to bottom; every input is an environment variable.

Each variable ``NAME`` may instead be given as a file, ``NAME_FILE``, for secrets that an
orchestrator mounts. ``.env.example`` lists them all.
"""

from pathlib import Path

import environ
from django.utils.csp import CSP

from buildinsights import embedded
from buildinsights.logging import logging_config
from buildinsights.mailing import mailers
from buildinsights.schedule import schedule

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = embedded.data_dir()
VERSION = "0.1.0"

env = environ.FileAwareEnv()

# --- Core -----------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)
ROOT_URLCONF = "buildinsights.urls"
WSGI_APPLICATION = "buildinsights.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_standardized_errors",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "pgtrigger",
    "buildinsights",
    "audit",
    "accounts",
    "channels",
    "builds",
    "security",
    "trust",
    "sboms",
    "inspections",
    "ingest",
    "farm",
    "cache",
    "trends",
    "sizes",
    "resources",
    "bases",
    "policies",
    "deployments",
    "recommendations",
    "alerts",
    "evidence",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "buildinsights.middleware.refuse_nul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "buildinsights.middleware.RequestLogMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["buildinsights.templatetags.formats"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "buildinsights.context.site",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------
_database = env.db("DATABASE_URL")
if "host" in _database.get("OPTIONS", {}):
    _database["HOST"] = _database["OPTIONS"].pop("host")  # a socket directory
# Parameters travel apart from the statement, bytes as they are, and a statement that comes again is
# neither parsed nor planned again. A pooler in between must know prepared statements.
_database["OPTIONS"] = {
    "server_side_binding": True,
    "prepare_threshold": 3,
    **_database.get("OPTIONS", {}),
}
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}}

# --- Accounts and browser security ----------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=int(HTTPS))
"""How many add to ``X-Forwarded-For`` before a request comes here."""
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "manifest-src": [CSP.SELF],
}

# --- Static files ---------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "buildinsights.staticfiles.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "buildinsights.staticfiles.HashedStaticFiles"},
}

# --- Ingest ---------------------------------------------------------------------------------------
INGEST_MAX_BODY_BYTES = env.int("INGEST_MAX_BODY_BYTES", default=64 * 1024**2)
INGEST_MAX_GZIP_RATIO = env.int("INGEST_MAX_GZIP_RATIO", default=200)
INGEST_RETENTION_DAYS = env.int("INGEST_RETENTION_DAYS", default=400)
# Django's own form limits: uploads are bounded by INGEST_MAX_BODY_BYTES before they are parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = INGEST_MAX_BODY_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = INGEST_MAX_BODY_BYTES

# --- Audit trail ----------------------------------------------------------------------------------
# Without a key no checkpoint is signed, and the trail proves less.
AUDIT_SIGNING_KEY_FILE = env.str("AUDIT_SIGNING_KEY_FILE", default="")
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=0)

# --- Builds that the server starts ----------------------------------------------------------------
# All but the first are read by the workers that build.
BUILD_QUEUES = env.list("BUILD_QUEUES", default=["builds"])
BUILD_WORK_DIR = env.str("BUILD_WORK_DIR", default=str(DATA_DIR / "work"))
BUILD_KEYS_DIR = env.str("BUILD_KEYS_DIR", default=str(DATA_DIR / "keys"))
BUILD_SOURCE_ROOTS = env.list("BUILD_SOURCE_ROOTS", default=[])
BUILD_VARIABLES = env.list("BUILD_VARIABLES", default=[])
BUILD_SECRETS = env.list("BUILD_SECRETS", default=[])

# --- Caches that the server manages ---------------------------------------------------------------
# No other registry is ever asked: what builds name as their caches is for nobody to trust.
CACHE_REGISTRIES = env.list("CACHE_REGISTRIES", default=[])
REGISTRY_CONFIG_DIR = env.str("REGISTRY_CONFIG_DIR", default=str(DATA_DIR / "registries"))

# --- Images that the server verifies --------------------------------------------------------------
# No other registry is ever asked: whoever may send verifications names the images.
TRUST_REGISTRIES = env.list("TRUST_REGISTRIES", default=[])

# --- What the server sends ------------------------------------------------------------------------
# Addresses of webhooks are typed by people: those of networks that are not named lead nowhere.
OUTBOUND_ALLOWED_NETWORKS = env.list("OUTBOUND_ALLOWED_NETWORKS", default=[])
_email_url = env.str("EMAIL_URL", default="")
MAIL_IS_SENT = bool(_email_url)
MAILERS = mailers(_email_url)
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="buildinsights@localhost")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000")
DELIVERY_RETENTION_DAYS = env.int("DELIVERY_RETENTION_DAYS", default=400)
ALERT_EVENT_RETENTION_DAYS = env.int("ALERT_EVENT_RETENTION_DAYS", default=400)
REPORT_RETENTION_DAYS = env.int("REPORT_RETENTION_DAYS", default=400)

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["buildinsights.parsers.BoundedJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "buildinsights.pagination.RecentFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.TokenRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.str("API_RATE", default="6000/minute")},
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "buildinsights API",
    "DESCRIPTION": "Send what BuildKit emits; read understood builds.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BaseUpdateStateEnum": "bases.models.BaseUpdate.State",
        "BaseUpdateVerdictEnum": "bases.models.BaseUpdate.Verdict",
        "ChannelKindEnum": "channels.models.Channel.Kind",
        "DeploymentStatusEnum": "deployments.models.Deployment.Status",
        "DeliveryStateEnum": "channels.models.Delivery.State",
        "AlertEventKindEnum": "alerts.models.AlertEvent.Kind",
        "AlertKindEnum": "alerts.models.rule.Kind",
        "AlertSeverityEnum": "alerts.models.rule.SEVERITIES",
        "AlertStateEnum": "alerts.models.alert.STATES",
        "FindingKindEnum": "security.models.Kind",
        "FindingStateEnum": "security.models.Finding.State",
        "ImageVerdictEnum": "policies.models.Verdict.Outcome",
        "OperationKindEnum": "cache.models.Operation.Kind",
        "SeverityEnum": "supplychain.reports.model.Severity",
        "PayloadKindEnum": "ingest.models.PayloadKind",
        "ReportPartEnum": "reports.models.ReportSection",
        "ReportRunStateEnum": "reports.models.ReportRun.State",
        "VexStatusEnum": "security.models.VexStatus",
        "WaiverKindEnum": "security.models.Waiver.Kind",
        "WaiverScopeEnum": "security.models.Waiver.Scope",
        "WaiverStateEnum": "security.models.Waiver.State",
        "SbomFormatEnum": "sboms.models.Sbom.Format",
        "SbomSignatureEnum": "sboms.models.Sbom.Signature",
        "SbomSourceEnum": "sboms.models.Sbom.Source",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "buildinsights.openapi.describe_errors",
    ],
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "buildinsights.api_errors.ApiExceptionHandler",
}

# --- Celery ---------------------------------------------------------------------------------------
# No message is the only copy of work: each task works off a row and sweeps re-enqueue what is left.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost/")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "data_folder_in": str(DATA_DIR / "broker" / "messages"),
        "data_folder_out": str(DATA_DIR / "broker" / "messages"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "store_processed": False,
        "polling_interval": 0.2,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "ingest"
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {
    name: {} for name in ("ingest", "analysis", "mail", "caches", *BUILD_QUEUES)
}
CELERY_TASK_ROUTES = {
    "alerts.*": {"queue": "analysis"},
    "ingest.*": {"queue": "ingest"},
    "audit.*": {"queue": "analysis"},
    "channels.*": {"queue": "mail"},
    "deployments.*": {"queue": "analysis"},
    "inspections.*": {"queue": "analysis"},
    "sboms.*": {"queue": "ingest"},
    "trends.*": {"queue": "analysis"},
    "sizes.read_image": {"queue": "caches"},
    "sizes.*": {"queue": "analysis"},
    "resources.*": {"queue": "analysis"},
    "bases.look_into_repository": {"queue": "caches"},
    "bases.*": {"queue": "analysis"},
    "security.*": {"queue": "analysis"},
    "recommendations.*": {"queue": "analysis"},
    "reports.*": {"queue": "analysis"},
    "trust.*": {"queue": "caches"},
    "cache.go_on": {"queue": "caches"},
    "cache.look_into_registry": {"queue": "caches"},
    "cache.*": {"queue": "analysis"},
    "farm.reap_silent": {"queue": "analysis"},
    "farm.end_unheard_of": {"queue": "analysis"},
    "farm.run_schedules": {"queue": "analysis"},
    "farm.send_notices": {"queue": "mail"},
    "farm.wake_builders": {"queue": "analysis"},
    "farm.look_at_builders": {"queue": "analysis"},
    "farm.*": {"queue": "builds"},
}
CELERY_TASK_SOFT_TIME_LIMIT = 120
CELERY_TASK_TIME_LIMIT = 150
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = schedule(BUILD_QUEUES)

# --- Logging --------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = logging_config(LOG_LEVEL, json=env.bool("LOG_JSON", default=False))
