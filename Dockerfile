# The image of web processes and workers; which of them a container is, its command says (Procfile, deploy/kubernetes).
#   docker build --build-arg TORCH_INDEX=<address of PyTorch's index of CPU builds> --tag automl-service:0.1.0 .
# In production name the base by its digest, not by its tag.
FROM python:3.11-slim-bookworm AS environment
WORKDIR /service
COPY requirements.txt ./
# PyTorch's default build brings CUDA, gigabytes that need a GPU; without this address that one is taken.
ARG TORCH_INDEX=""
RUN python -m venv /opt/environment \
    && PIP_EXTRA_INDEX_URL="$TORCH_INDEX" /opt/environment/bin/pip install --no-cache-dir --no-deps --require-hashes \
        -r requirements.txt

FROM python:3.11-slim-bookworm
# LightGBM and XGBoost load the threads of GCC from the system.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin automl
COPY --from=environment /opt/environment /opt/environment
WORKDIR /service
COPY gunicorn.conf.py ./
COPY app app
COPY data data
COPY parameters parameters
ENV PATH=/opt/environment/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 10001
EXPOSE 8080
CMD ["/bin/sh", "-c", "exec gunicorn -c gunicorn.conf.py \"app:create_app()\""]
