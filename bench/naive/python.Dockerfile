# What a first Dockerfile of a Python service looks like: one stage, everything copied, then installed.
ARG PYTHON_IMAGE=python:3.13
FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt && python -m model.prepare /models
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]
