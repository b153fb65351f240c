import threading

from gliofit.pipeline.ending import end_timers


def test_timers_hold_the_end_of_a_run_up_no_longer():
    rang = threading.Event()
    timers = [threading.Timer(600, rang.set) for _ in range(3)]
    for timer in timers:
        timer.start()
    end_timers()
    for timer in timers:
        timer.join(60)
    assert not any(timer.is_alive() for timer in timers)
    assert not rang.is_set()
