# The image of the endpoint, the dashboard and the daily signals: docs/deployment.md.
#
# Both stages start from one image, named by its digest so that a rebuild is the same.
FROM python:3.12.14-slim-bookworm@sha256:0f5b26b9518d002b6173fd61daad821fa340635ebfec5bba471013f9ca114579 AS packages

WORKDIR /build
# What is run by name, in the versions that the tests were run with.
COPY requirements.txt deploy/packages.txt ./
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --quiet --no-cache-dir \
        --disable-pip-version-check --only-binary :all: -r packages.txt -c requirements.txt


FROM python:3.12.14-slim-bookworm@sha256:0f5b26b9518d002b6173fd61daad821fa340635ebfec5bba471013f9ca114579 AS run

LABEL org.opencontainers.image.title="Factor Investing with a Crypto Twist" \
      org.opencontainers.image.description="Event-driven factor backtester for equities and crypto in one account" \
      org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"

RUN groupadd --gid 10001 factor \
    && useradd --uid 10001 --gid factor --no-create-home --home-dir /tmp --shell /usr/sbin/nologin factor

COPY --from=packages /opt/venv /opt/venv

WORKDIR /app
COPY LICENSE README.md ./
COPY feeds/ feeds/
COPY factors/ factors/
COPY strategies/ strategies/
COPY analyzers/ analyzers/
COPY configs/ configs/
COPY runs/ runs/
COPY docs/ docs/
# Written to at run time; a named volume takes over content and owner when it is first mounted.
COPY --chown=10001:10001 data/ data/
RUN mkdir outputs \
    && chown 10001:10001 outputs

# The root may be read-only: what libraries cache goes to the one place that is not.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/tmp/numba

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v1/health', timeout=4)"]
CMD ["python", "-m", "runs.api", "--host", "0.0.0.0", "--port", "8000", "--allow-host", "localhost", "127.0.0.1", "api"]
