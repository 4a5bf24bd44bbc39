# Outgrown as a service. The workspace (outgrown.toml, .env, the two stores) is the volume /workspace.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/outgrown
ENV PATH=/opt/outgrown/bin:$PATH
WORKDIR /src
COPY constraints.txt constraints-dev.txt ./
# Every package is pinned by its hash; of the second list only the driver for state on PostgreSQL is taken.
RUN pip install --require-hashes --requirement constraints.txt \
    && awk '/^psycopg/ { taken = 1 } taken; !/\\$/ { taken = 0 }' constraints-dev.txt > postgres.txt \
    && pip install --require-hashes --no-deps --requirement postgres.txt
COPY pyproject.toml README.md LICENSE ./
COPY agent agent
COPY connectors connectors
COPY evals evals
COPY prompts prompts
COPY templates templates
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
COPY --from=build /opt/outgrown /opt/outgrown
RUN useradd --system --uid 10001 --create-home --home-dir /workspace outgrown
ENV PATH=/opt/outgrown/bin:$PATH PYTHONUNBUFFERED=1 OUTGROWN_WORKSPACE=/workspace
USER outgrown
WORKDIR /workspace
VOLUME /workspace
EXPOSE 8484
# `serve` finishes what is under way in 20 seconds: stop it with `docker stop --time 25`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8484/healthz', timeout=4)"]
ENTRYPOINT ["outgrown"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8484"]
