# The image of the server, and of every command: `docker run IMAGE rules check` runs that command.
# What it expects, and how to run it without Compose: docs/deployment.md.

FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# The compiler of the native scanner; it stays in this stage. The image has Python's headers.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv --without-pip /opt/hydrant

# The dependencies change less often than the code, so they are a layer of their own.
ARG REQUIREMENTS=requirements/runtime.txt
COPY requirements/ requirements/
RUN pip --python /opt/hydrant/bin/python install --require-hashes --only-binary :all: \
    --requirement "$REQUIREMENTS"

# npm, from a Python wheel, brings what browsers get from others; it stays in this stage.
COPY package.json package-lock.json .npmrc ./
RUN python -m venv /opt/node \
    && /opt/node/bin/pip install --require-hashes --only-binary :all: --requirement requirements/node.txt

COPY pyproject.toml setup.py README.md ./
COPY app/ app/
COPY migrations/ migrations/
COPY mal_rules/ mal_rules/
COPY alarm_rules/ alarm_rules/
COPY dashboards/ dashboards/
RUN /opt/node/bin/python app/web/bring_packages.py
# setuptools is among the requirements for this one step, which reads no package index.
RUN pip --python /opt/hydrant/bin/python install --no-index --no-deps --no-build-isolation . \
    && pip --python /opt/hydrant/bin/python uninstall --yes cython setuptools


FROM python:3.11.14-slim-bookworm

LABEL org.opencontainers.image.title="hydrant" \
      org.opencontainers.image.description="CloudWatch metric streams from Amazon Data Firehose, as exact numbers in SQL"

# A server installs nothing, so what installs packages is left out.
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
    && groupadd --gid 10001 hydrant \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/hydrant \
       --shell /usr/sbin/nologin hydrant \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/hydrant

COPY --from=build /opt/hydrant /opt/hydrant

# No HYDRANT_DATABASE: a variable would count more than a file of secrets. Without either the
# database is a file in the working directory, which then wants a volume.
ENV PATH=/opt/hydrant/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HYDRANT_HOST=0.0.0.0 \
    HYDRANT_LOG_FORMAT=json

WORKDIR /var/lib/hydrant
USER 10001:10001
EXPOSE 12801
STOPSIGNAL SIGTERM
# Whether the process is alive: replacing the container does not bring a database back.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 \
    CMD ["hydrant", "health", "--alive"]
ENTRYPOINT ["hydrant"]
CMD ["serve"]
