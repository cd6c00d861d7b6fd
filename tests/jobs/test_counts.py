"""Jobs as the numbers of /metrics."""

from app.jobs import counts
from app.jobs.job import JobState
from app.telemetry import context


def numbers(metrics):
    return {(sample.name, *sample.labels.values()): sample.value for metric in metrics for sample in metric.samples}


def test_a_job_is_counted_once_however_often_it_ends(queue, records, training):
    jobs = [queue.submit(training()) for _ in range(3)]
    before = numbers(queue.counts())
    assert before["automl_queue_length",] == 3
    assert before["automl_queue_oldest_seconds",] > 0
    assert not [name for name in before if name[0] == "automl_job_seconds_count"]

    queue.cancel(jobs[0].job_id, keep=False)
    records.start(jobs[1].job_id)
    records.end(jobs[1].job_id, JobState.FINISHED, result={})
    records.end(jobs[1].job_id, JobState.FAILED)
    after = numbers(queue.counts())
    assert after["automl_queue_length",] == 2
    assert after["automl_job_seconds_count", "training", "cancelled"] == 1
    assert after["automl_job_seconds_count", "training", "finished"] == 1
    assert ("automl_job_seconds_count", "training", "failed") not in after


def test_seconds_fall_into_the_first_bound_that_holds_them(client_of_redis):
    with client_of_redis.pipeline() as pipe:
        for seconds in (0.1, 0.2, 40, 1e6):
            counts.count(pipe, "training", "finished", seconds)
        pipe.execute()
    found = numbers([counts.ended(client_of_redis)])
    buckets = {key[3]: value for key, value in found.items() if key[0] == "automl_job_seconds_bucket"}
    assert [buckets[bound] for bound in ("0.1", "0.5", "30", "60", "14400", "+Inf")] == [1, 2, 2, 3, 3, 4]
    assert found["automl_job_seconds_sum", "training", "finished"] == 1000040.3


def test_an_empty_queue_has_waited_for_nothing(queue):
    assert numbers(queue.counts()) == {
        ("automl_queue_length",): 0,
        ("automl_queue_oldest_seconds",): 0,
        ("automl_jobs_running",): 0,
    }


def test_a_job_knows_the_request_that_queued_it(queue, records, training):
    with context.during(request_id="asked"):
        job = queue.submit(training())
    assert records.get(job.job_id).request_id == "asked"
    assert records.get(queue.submit(training()).job_id).request_id is None
