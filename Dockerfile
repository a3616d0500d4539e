# mistral-router in a container: `docker build -t mistral-router .`, or with podman or buildah.
# docs/operations.md, "In a container", says how to run it.

# Any image with python3 (3.11 or newer), venv and certificates of authorities will do, and both stages use the same one.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/mistral-router
# The pinned packages first, each checked against its hash: this layer stays in the cache until the pins change. An index
# or an authority of your own comes as a secret, which no layer keeps: docs/operations.md, "In a container".
COPY constraints.txt ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt \
    /opt/mistral-router/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --no-deps --requirement constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY router router
# These two go into the package too: they are what is used where nothing is mounted.
COPY config config
COPY policies policies
# What builds and installs packages is of no use to the router, and of some to an intruder.
RUN /opt/mistral-router/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/mistral-router/bin/pip uninstall --yes --quiet \
    hatchling packaging pathspec pluggy trove-classifiers editables setuptools pip

FROM ${BASE_IMAGE}
COPY --from=build /opt/mistral-router /opt/mistral-router
# The data directory belongs to the user below; a volume takes that over when it is first used. A number, because
# Kubernetes cannot tell from a name that it is not root.
RUN install -d -o 65532 -g 65532 -m 0700 /data
# Python writes no byte code at run time and nothing else is written outside /data, so the root file system may be read-only.
ENV PATH=/opt/mistral-router/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ROUTER_DATA_DIR=/data
VOLUME /data
# A `config` or `policies` folder mounted here goes before the ones of the package.
WORKDIR /etc/mistral-router
USER 65532:65532
EXPOSE 8080
# Liveness only: a router whose store is away must not be restarted, because the ends that it has to deliver are in memory.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# The router is process 1 and hears the signal itself. A stop takes up to 100 s: give it 120 s, not docker's own ten.
STOPSIGNAL SIGTERM
ENTRYPOINT ["mistral-router"]
CMD ["serve", "--host", "0.0.0.0"]
