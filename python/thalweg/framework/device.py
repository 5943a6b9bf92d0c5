"""Device names: "/job:worker/replica:0/task:1/device:GPU:0", whole or in part."""


class DeviceSpec:
  """The parts of a device name; a part that is None says nothing."""

  __slots__ = ("job", "replica", "task", "device_type", "device_index")

  def __init__(self, job=None, replica=None, task=None, device_type=None, device_index=None):
    self.job = job
    self.replica = None if replica is None else int(replica)
    self.task = None if task is None else int(task)
    if device_type in ("cpu", "gpu"):
      device_type = device_type.upper()
    self.device_type = device_type
    self.device_index = None if device_index is None else int(device_index)

  def parse_from_string(self, spec):
    """Reads `spec` into this object; ValueError for a name that is none."""
    self.__init__()
    for part in [s.split(":") for s in spec.split("/")]:
      n = len(part)
      key = part[0]
      try:
        if n == 2 and key == "job":
          self.job = part[1]
        elif n == 2 and key == "replica":
          self.replica = int(part[1])
        elif n == 2 and key == "task":
          self.task = int(part[1])
        elif n in (1, 2) and key.upper() in ("CPU", "GPU"):
          if self.device_type is not None:
            raise ValueError("Cannot specify multiple device types: %s" % spec)
          self.device_type = key.upper()
          if n == 2 and part[1] != "*":
            self.device_index = int(part[1])
        elif n in (2, 3) and key == "device":
          if self.device_type is not None:
            raise ValueError("Cannot specify multiple device types: %s" % spec)
          self.device_type = part[1].upper() if part[1].upper() in ("CPU", "GPU") else part[1]
          if n == 3 and part[2] != "*":
            self.device_index = int(part[2])
        elif key != "" or n != 1:
          raise ValueError("Unknown attribute: '%s' in '%s'" % (key, spec))
      except (TypeError, IndexError):
        raise ValueError("Invalid device name: %s" % spec) from None
    return self

  def to_string(self):
    parts = []
    if self.job is not None:
      parts.append("/job:" + self.job)
    if self.replica is not None:
      parts.append("/replica:%d" % self.replica)
    if self.task is not None:
      parts.append("/task:%d" % self.task)
    if self.device_type is not None:
      parts.append("/device:%s:%s" % (self.device_type, "*" if self.device_index is None else self.device_index))
    return "".join(parts)

  def merge_from(self, dev):
    """Takes over every part that `dev` states."""
    for part in ("job", "replica", "task"):
      if getattr(dev, part) is not None:
        setattr(self, part, getattr(dev, part))
    if dev.device_type is not None:
      self.device_type = dev.device_type
      self.device_index = dev.device_index
    elif dev.device_index is not None:
      self.device_index = dev.device_index

  @staticmethod
  def from_string(spec):
    return DeviceSpec().parse_from_string(spec)

  def __eq__(self, other):
    return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

  def __hash__(self):
    return hash(self.to_string())

  def __repr__(self):
    return "DeviceSpec(%r)" % self.to_string()


_canonical = {}


def canonical_name(device):
  """The full spelling of a device name or DeviceSpec; '' for None."""
  if device is None:
    return ""
  if not isinstance(device, str):
    return device.to_string()
  name = _canonical.get(device)
  if name is None:
    name = _canonical[device] = DeviceSpec.from_string(device).to_string()
  return name


def merge(outer, inner):
  """`inner` completed with what only `outer` states."""
  if not outer:
    return inner
  if not inner:
    return canonical_name(outer)
  spec = DeviceSpec.from_string(outer)
  spec.merge_from(DeviceSpec.from_string(inner))
  return spec.to_string()


def merge_device(spec):
  """A device function that lets `spec` fill what an operation leaves open."""
  return lambda op: merge(canonical_name(spec), canonical_name(op.device))
