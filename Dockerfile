# Two stages: what builds stays behind, what runs is Python, the pinned packages and the bot.

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS build
WORKDIR /build
COPY requirements.txt .
# Ready-made wheels only, each checked against its hash; their own tests are not needed to run.
RUN python -m venv /opt/imbalance \
    && /opt/imbalance/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
        --requirement requirements.txt \
    && /opt/imbalance/bin/pip uninstall --yes pip setuptools \
    && find /opt/imbalance -type d -name tests -prune -exec rm -rf {} +

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title=imbalance \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.licenses=MIT
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin imbalance \
    && install -d -o imbalance -g imbalance -m 0700 /data /round-keys
WORKDIR /app
COPY --from=build /opt/imbalance /opt/imbalance
COPY pyproject.toml manifest.json ./
COPY migrations ./migrations
COPY bot ./bot
ENV PATH=/opt/imbalance/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp \
    DATABASE_URL=sqlite:////data/imbalance.db \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9464 \
    LOG_FORMAT=json
# Nothing is written but /data and /tmp, so byte code is made here.
RUN python -m compileall -q bot migrations
USER 10001:10001
VOLUME /data
EXPOSE 3000 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['METRICS_PORT']}/healthz\", timeout=3)"]
# Python is process 1: SIGTERM reaches the bot itself, and it finishes what it is saying.
CMD ["python", "-m", "bot", "run", "--migrate"]
