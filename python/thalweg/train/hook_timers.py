"""When hooks act: every so many seconds or steps."""

import time

from thalweg.train import training_util


class _HookTimer(object):
  """Decides at which steps something is due."""

  def reset(self):
    """Forgets what was."""

  def should_trigger_for_step(self, step):
    raise NotImplementedError("%s defines no should_trigger_for_step()" % type(self).__name__)

  def update_last_triggered_step(self, step):
    """Notes that it was done now; (seconds, steps) since it was done before, None each when it was not."""
    raise NotImplementedError("%s defines no update_last_triggered_step()" % type(self).__name__)

  def last_triggered_step(self):
    raise NotImplementedError("%s defines no last_triggered_step()" % type(self).__name__)


class SecondOrStepTimer(_HookTimer):
  """Due at first, and then every `every_secs` seconds or `every_steps` steps."""

  def __init__(self, every_secs=None, every_steps=None):
    self.reset()
    self._every_secs = every_secs
    self._every_steps = every_steps
    if every_secs is None and every_steps is None:
      raise ValueError("Either every_secs or every_steps should be provided.")
    if every_secs is not None and every_steps is not None:
      raise ValueError("Can not provide both every_secs and every_steps.")

  def reset(self):
    self._last_triggered_step = None
    self._last_triggered_time = None

  def should_trigger_for_step(self, step):
    if self._last_triggered_step is None:
      return True
    if self._last_triggered_step == step:
      return False
    if self._every_secs is not None:
      return time.time() >= self._last_triggered_time + self._every_secs
    return step >= self._last_triggered_step + self._every_steps

  def update_last_triggered_step(self, step):
    now = time.time()
    elapsed = None, None
    if self._last_triggered_time is not None:
      elapsed = now - self._last_triggered_time, step - self._last_triggered_step
    self._last_triggered_time, self._last_triggered_step = now, step
    return elapsed

  def last_triggered_step(self):
    return self._last_triggered_step


class NeverTriggerTimer(_HookTimer):
  """Never due."""

  def should_trigger_for_step(self, step):
    return False

  def update_last_triggered_step(self, step):
    return None, None

  def last_triggered_step(self):
    return None


def global_step_read(hook_name):
  """The tensor of the global step; RuntimeError when the graph has none."""
  tensor = training_util._get_or_create_global_step_read()
  if tensor is None:
    raise RuntimeError("Global step should be created to use %s." % hook_name)
  return tensor
