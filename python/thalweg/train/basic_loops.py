"""basic_train_loop: a supervisor, a session, and a function called until it is told to stop."""

from thalweg.framework import errors


def basic_train_loop(supervisor, train_step_fn, args=None, kwargs=None, master=""):
  """Calls train_step_fn(session, *args, **kwargs) until the supervisor stops. A lost worker means a new session."""
  args, kwargs = args or [], kwargs or {}
  should_retry = True
  while should_retry:
    try:
      should_retry = False
      with supervisor.managed_session(master) as sess:
        while not supervisor.should_stop():
          train_step_fn(sess, *args, **kwargs)
    except errors.AbortedError:
      should_retry = True
