"""The functions behind a queue in the classic way: Flask takes the call, Celery runs it,
Redis is in between. ?async=1 returns the task's id at once."""

import json
import os

from celery import Celery
from flask import Flask, jsonify, request

import functions

BROKER = f"redis+socket://{os.environ['BENCH_REDIS']}"
celery = Celery('bench', broker=BROKER, backend=BROKER)
celery.conf.update(task_serializer='json', result_serializer='json', accept_content=['json'],
                   worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
app = Flask('bench')


@celery.task(name='call')
def call(name, kwargs):
    return getattr(functions, name)(**kwargs)


@app.route('/<name>', methods=['GET', 'POST'])
def handle(name):
    if request.method == 'POST':
        kwargs = request.get_json().get('kwargs') or {}
    else:
        kwargs = json.loads(request.args.get('kwargs', '{}'))
    task = call.delay(name, kwargs)
    if request.args.get('async'):
        return jsonify(task.id)
    result = task.get(timeout=30)
    return result if isinstance(result, str) else jsonify(result)
