# syncd in one image: Python, the locked dependencies, Debian's ffmpeg; no compiler, not root, root can be read-only.
#   docker build -t syncd .
#   docker run --read-only --tmpfs /tmp -v syncd:/data -p 8371:8371 syncd
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/syncd && python -m venv /opt/backend
COPY deploy/requirements.lock deploy/build.lock ./
RUN pip --python /opt/syncd/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r requirements.lock \
    && /opt/backend/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/backend/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -w dist . \
    && pip --python /opt/syncd/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --no-index dist/*.whl

FROM python:3.11-slim-bookworm
# ffmpeg and tini follow Debian's security updates, so they are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 syncd \
    && useradd --uid 10001 --gid 10001 --no-log-init --home-dir /data --no-create-home --shell /usr/sbin/nologin syncd \
    && install -d -o syncd -g syncd -m 0750 /data
COPY --from=build /opt/syncd /opt/syncd
ENV PATH=/opt/syncd/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SYNCD_ROOT=/data \
    SYNCD_HOST=0.0.0.0
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8371
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('SYNCD_PORT', '8371')}/healthz\", timeout=2)"]
ENTRYPOINT ["tini", "--", "syncd"]
CMD ["run"]
