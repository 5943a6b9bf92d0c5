"""tf.flags: command-line flags in a global FLAGS object, over argparse."""

import argparse
import sys


class Error(Exception):
  """A flag that is wrong."""


class DuplicateFlagError(Error):
  """A flag that was defined twice."""


class IllegalFlagValueError(Error):
  """A value that the flag's type refuses."""


class UnrecognizedFlagError(Error, AttributeError):
  """A flag that nobody defined."""


class UnparsedFlagAccessError(Error, AttributeError):
  """A flag read before the command line was parsed, without a default."""


class _Flag(object):

  def __init__(self, name, default, help_text, parse, boolean=False, multiple=False, required=False):
    self.name = name
    self.default = default
    self.value = default
    self.help = help_text
    self.boolean = boolean
    self.multiple = multiple
    self.required = required
    self.present = False
    self._parse = parse

  def set(self, text):
    try:
      value = self._parse(text)
    except (ValueError, argparse.ArgumentTypeError) as e:
      raise IllegalFlagValueError("flag --%s=%s: %s" % (self.name, text, e))
    if self.multiple:
      self.value = (self.value if self.present and self.value is not None else []) + [value]
    else:
      self.value = value
    self.present = True


def _parse_bool(text):
  if isinstance(text, bool):
    return text
  lowered = str(text).lower()
  if lowered in ("true", "t", "1", "yes"):
    return True
  if lowered in ("false", "f", "0", "no"):
    return False
  raise ValueError("%r is not a boolean" % text)


class _FlagValues(object):
  """Flags as attributes; parsed from sys.argv at the first read."""

  def __init__(self):
    self.__dict__["_flags"] = {}
    self.__dict__["_parsed"] = False
    self.__dict__["_validators"] = []

  def _define(self, flag):
    if flag.name in self._flags:
      raise DuplicateFlagError("The flag '%s' is defined twice." % flag.name)
    self._flags[flag.name] = flag

  def __call__(self, argv, known_only=False):
    """Parses argv (argv[0] is the program) and returns what is left of it, argv[0] first."""
    rest, arguments, at = [argv[0]] if argv else [], list(argv[1:]), 0
    while at < len(arguments):
      text = arguments[at]
      at += 1
      if text == "--":
        rest += arguments[at:]
        break
      if not text.startswith("-") or text == "-":
        rest.append(text)
        continue
      name, equals, value = text.lstrip("-").partition("=")
      flag = self._flags.get(name)
      if flag is None and name.startswith("no") and name[2:] in self._flags and self._flags[name[2:]].boolean:
        self._flags[name[2:]].set("false")
        continue
      if flag is None and name in ("help", "helpfull", "helpshort", "h"):
        print(self.main_module_help())
        sys.exit(1)
      if flag is None:
        if not known_only:
          raise UnrecognizedFlagError("Unknown command line flag '%s'" % name)
        rest.append(text)
        continue
      if not equals:
        if flag.boolean:
          value = "true"
        elif at < len(arguments):
          value = arguments[at]
          at += 1
        else:
          raise Error("Missing value for flag --%s" % name)
      flag.set(value)
    self.__dict__["_parsed"] = True
    for f in self._flags.values():
      if f.required and f.value is None:
        raise IllegalFlagValueError("flag --%s=None: Flag --%s must have a value other than None." % (f.name, f.name))
    self._validate()
    return rest

  def _validate(self):
    for name, check, message in self._validators:
      if not check(self._flags[name].value):
        raise IllegalFlagValueError("flag --%s=%s: %s" % (name, self._flags[name].value, message))

  def _parse_flags(self, args=None):
    return self([sys.argv[0]] + list(args) if args is not None else sys.argv, known_only=True)

  def is_parsed(self):
    return self._parsed

  def mark_as_parsed(self):
    self.__dict__["_parsed"] = True

  def __getattr__(self, name):
    if name.startswith("__"):
      raise AttributeError(name)
    if name not in self._flags:
      raise UnrecognizedFlagError("Unknown command line flag '%s'" % name)
    if not self._parsed:
      self._parse_flags()
    return self._flags[name].value

  def __setattr__(self, name, value):
    if name not in self._flags:
      raise UnrecognizedFlagError("Unknown command line flag '%s'" % name)
    flag = self._flags[name]
    flag.value, flag.present = value, True
    self._validate()

  def __delattr__(self, name):
    if name not in self._flags:
      raise UnrecognizedFlagError("Unknown command line flag '%s'" % name)
    del self._flags[name]

  def __contains__(self, name):
    return name in self._flags

  def __iter__(self):
    return iter(self._flags)

  def __len__(self):
    return len(self._flags)

  def __getitem__(self, name):
    return self._flags[name]

  def __dir__(self):
    return sorted(self._flags)

  def flag_values_dict(self):
    return {name: flag.value for name, flag in self._flags.items()}

  def set_default(self, name, value):
    flag = self._flags[name]
    flag.default = value
    if not flag.present:
      flag.value = value

  def main_module_help(self):
    lines = ["", "flags:", ""]
    for name in sorted(self._flags):
      flag = self._flags[name]
      lines.append("  --%s%s: %s" % ("[no]" if flag.boolean else "", name, flag.help or ""))
      lines.append("    (default: %r)" % (flag.default,))
    return "\n".join(lines)


FLAGS = _FlagValues()


def DEFINE_string(name, default, help, required=False):  # noqa: A002
  FLAGS._define(_Flag(name, default, help, str, required=required))


def DEFINE_integer(name, default, help, lower_bound=None, upper_bound=None, required=False):  # noqa: A002
  def parse(text):
    value = int(text, 0) if isinstance(text, str) else int(text)
    if lower_bound is not None and value < lower_bound or upper_bound is not None and value > upper_bound:
      raise ValueError("%s is not in [%s, %s]" % (value, lower_bound, upper_bound))
    return value
  FLAGS._define(_Flag(name, default, help, parse, required=required))


def DEFINE_float(name, default, help, lower_bound=None, upper_bound=None, required=False):  # noqa: A002
  def parse(text):
    value = float(text)
    if lower_bound is not None and value < lower_bound or upper_bound is not None and value > upper_bound:
      raise ValueError("%s is not in [%s, %s]" % (value, lower_bound, upper_bound))
    return value
  FLAGS._define(_Flag(name, None if default is None else float(default), help, parse, required=required))


def DEFINE_boolean(name, default, help, required=False):  # noqa: A002
  FLAGS._define(_Flag(name, None if default is None else _parse_bool(default), help, _parse_bool, boolean=True,
                      required=required))


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(name, default, enum_values, help, required=False):  # noqa: A002
  def parse(text):
    if text not in enum_values:
      raise ValueError("value should be one of <%s>" % "|".join(enum_values))
    return text
  FLAGS._define(_Flag(name, default, help, parse, required=required))


def DEFINE_list(name, default, help, required=False):  # noqa: A002
  def parse(text):
    return [part.strip() for part in text.split(",")] if text else []
  FLAGS._define(_Flag(name, parse(default) if isinstance(default, str) else default, help, parse, required=required))


def _multi(name, default, help_text, parse):
  if default is not None and not isinstance(default, (list, tuple)):
    default = [default]
  FLAGS._define(_Flag(name, list(default) if default is not None else None, help_text, parse, multiple=True))


def DEFINE_multi_string(name, default, help):  # noqa: A002
  _multi(name, default, help, str)


def DEFINE_multi_integer(name, default, help):  # noqa: A002
  _multi(name, default, help, int)


def DEFINE_multi_float(name, default, help):  # noqa: A002
  _multi(name, default, help, float)


def register_validator(flag_name, checker, message="Flag validation failed"):
  """checker(value) must hold whenever flags are parsed or set."""
  FLAGS._validators.append((flag_name, checker, message))


def mark_flag_as_required(flag_name):
  FLAGS[flag_name].required = True


def mark_flags_as_required(flag_names):
  for name in flag_names:
    mark_flag_as_required(name)
