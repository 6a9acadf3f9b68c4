FROM python:3.12-slim
COPY chart.py /app/chart.py
USER 10001
CMD ["python3", "/app/chart.py"]
