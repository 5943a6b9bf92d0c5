"""The devices of this process."""

from thalweg import _protos
from thalweg.client import session


def list_local_devices(session_config=None):
  """A DeviceAttributes message for each device."""
  from thalweg.framework.graph import Graph
  with session.Session(graph=Graph(), config=session_config) as found:
    devices = found.list_devices()
  return [_protos.message("DeviceAttributes")(
      name=d.name[d.name.rindex("/device:"):], device_type=d.device_type, memory_limit=d.memory_limit_bytes,
      locality=_protos.message("DeviceLocality")(), incarnation=d.incarnation) for d in devices]
