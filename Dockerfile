# brainage as a BIDS-App: no network, no root, nothing written but the output folder and /tmp.
#   docker build -t brainage:0.1.0 .
#   docker run --rm --network none --read-only --tmpfs /tmp --user "$(id -u):$(id -g)" \
#     -v /data/bids:/data:ro -v /data/out:/out brainage:0.1.0 /data /out participant
# `scripts/container_steps.sh` runs the same steps where there is no container engine.

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY brainage ./brainage
COPY configs ./configs
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 brainage
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links=/wheels brainage \
    && rm -rf /wheels \
    && python -m compileall -q /usr/local/lib/python3.12/site-packages
ENV HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1
USER brainage
WORKDIR /tmp
ENTRYPOINT ["brainage-app"]
CMD ["--help"]
