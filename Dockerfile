# The service of one run, on the processor. See docs/serving.md.
#   docker build -t dcgan .
#   docker run --rm -p 127.0.0.1:8000:8000 -e DCGAN_TOKEN=… -v "$PWD/run:/run/dcgan:ro" dcgan

FROM python:3.11-slim AS wheel
WORKDIR /source
RUN pip install --no-cache-dir build==1.6.1
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m build --wheel --outdir /wheels

FROM python:3.11-slim
# TORCH_INDEX: the index that has the CPU build of PyTorch, which is a tenth of the other; empty takes the usual one.
ARG TORCH_INDEX=""
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheels /tmp/wheels
RUN pip install --no-cache-dir -c /tmp/constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch \
    && pip install --no-cache-dir -c /tmp/constraints.txt "$(ls /tmp/wheels/*.whl)[serve]" \
    && rm -r /tmp/wheels /tmp/constraints.txt \
    && useradd --system --uid 10001 --create-home dcgan
USER 10001
ENV PYTHONUNBUFFERED=1
VOLUME ["/run/dcgan"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["dcgan", "serve"]
CMD ["/run/dcgan", "--host", "0.0.0.0", "--workers", "1"]
