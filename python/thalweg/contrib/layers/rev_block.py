"""Reversible residual blocks (Gomez et al. 2017), which compute their inputs back from their outputs when gradients need
them, and functions that are computed again for the same end."""

import functools
import inspect
import re

from thalweg.contrib.framework.arg_scope import arg_scope, current_arg_scope
from thalweg.framework import ops
from thalweg.layers import base
from thalweg.ops import (array_ops, control_flow_ops, gradients_impl, math_ops, recompute, variable_scope as vs,
                         variables as tf_variables)
from thalweg.ops.custom_gradient import custom_gradient, used_variables
from thalweg.platform import tf_logging as logging

_LAYER_OF = re.compile(".*revlayer_([0-9]*)/([fg])/.*")


def _sum(grads):
  """The sum of gradients, those that are None left out."""
  grads = [g for g in grads if g is not None]
  return math_ops.add_n(grads) if grads else None


def _call(f, x, side):
  return f(x, side) if side else f(x)


def _in_scope(f, scope):

  def wrapped(*args, **kwargs):
    with vs.variable_scope(scope, use_resource=True):
      return f(*args, **kwargs)

  return wrapped


def _layer_gradients(ys, grads, f, g, f_vars, f_side, g_vars, g_side):
  """A layer's inputs, computed from its outputs `ys`; the gradients with respect to them; and those with respect to the
  variables and side inputs of f and of g."""
  (y1, y2), (dy1, dy2) = ys, grads
  f_side, g_side = ([array_ops.stop_gradient(t) for t in side] for side in (f_side, g_side))
  y1_fixed = array_ops.stop_gradient(y1)
  gy1 = _call(g, y1_fixed, g_side)
  x2 = y2 - gy1
  of_g = gradients_impl.gradients(gy1, [y1_fixed] + g_vars + g_side, dy2)
  dx1 = _sum([dy1, of_g[0]])
  x2_fixed = array_ops.stop_gradient(x2)
  fx2 = _call(f, x2_fixed, f_side)
  x1 = y1 - fx2
  of_f = gradients_impl.gradients(fx2, [x2_fixed] + f_vars + f_side, dx1)
  dx2 = _sum([dy2, of_f[0]])
  # One layer is done with before the next begins, so that little is held at a time.
  found = control_flow_ops.tuple([x1, x2, dx1, dx2] + of_f[1:] + of_g[1:])
  of_f, of_g = found[4:4 + len(of_f) - 1], found[4 + len(of_f) - 1:]
  return ((found[0], found[1]), (found[2], found[3]), (of_f[:len(f_vars)], of_f[len(f_vars):]),
          (of_g[:len(g_vars)], of_g[len(g_vars):]))


class RevBlock(base.Layer):
  """num_layers of y1 = x1 + f(x2), y2 = x2 + g(y1), with a function or a list of functions for f and g. Functions take a
  tensor, and the list of side inputs when there is one; their variables lie in `revlayer_i/f` and `revlayer_i/g`."""

  def __init__(self, f, g, num_layers=1, f_side_input=None, g_side_input=None, use_efficient_backprop=True,
               name="revblock", **kwargs):
    super().__init__(name=name, **kwargs)
    f = f if isinstance(f, list) else [f] * num_layers
    g = g if isinstance(g, list) else [g] * num_layers
    if len(f) != num_layers or len(g) != num_layers:
      raise AssertionError("%d and %d functions were given for %d layers" % (len(f), len(g), num_layers))
    self.f = [_in_scope(fn, "revlayer_%d/f" % i) for i, fn in enumerate(f)]
    self.g = [_in_scope(fn, "revlayer_%d/g" % i) for i, fn in enumerate(g)]
    self.num_layers = num_layers
    self.f_side_input = f_side_input or []
    self.g_side_input = g_side_input or []
    self._use_efficient_backprop = use_efficient_backprop

  def forward(self, x1, x2):
    return self.apply([x1, x2])

  def backward(self, y1, y2):
    """The inputs that gave these outputs."""
    return self.apply([y1, y2], forward=False)

  def build(self, _):
    logging.warn("RevBlock constructs its variables on first call, not on build.")
    self.built = True

  def call(self, inputs, forward=True):
    scope = vs.get_variable_scope()
    before = len(scope.global_variables())
    outputs = self._forward(*inputs) if forward else self._backward(*inputs)
    trainable = scope.trainable_variables()
    for variable in scope.global_variables()[before:]:
      weights = self._trainable_weights if any(variable is v for v in trainable) else self._non_trainable_weights
      weights.append(variable)
    return outputs

  def _layers(self, x1, x2, f_side, g_side):
    for f, g in zip(self.f, self.g):
      x1 = x1 + _call(f, x2, f_side)
      x2 = x2 + _call(g, x1, g_side)
      if self._use_efficient_backprop:
        x1, x2 = control_flow_ops.tuple([x1, x2])
    return x1, x2

  def _forward(self, x1, x2):
    if not self._use_efficient_backprop:
      return self._layers(x1, x2, self.f_side_input, self.g_side_input)
    count = len(self.f_side_input)

    @custom_gradient
    def layers(x1, x2, *side):
      first = ops.get_default_graph()._last_id
      ys = self._layers(x1, x2, list(side[:count]), list(side[count:]))
      if not used_variables(ops.get_default_graph(), first):
        return ys, lambda *grads: self._gradients(ys, grads, side, [])[0]
      return ys, lambda *grads, variables: self._gradients(ys, grads, side, variables)

    return layers(x1, x2, *self.f_side_input, *self.g_side_input)

  def _gradients(self, ys, grads, side, variables):
    """(gradients of the inputs and side inputs, gradients of the variables)."""
    count = len(self.f_side_input)
    f_side, g_side = list(side[:count]), list(side[count:])
    of_variables, of_f_side, of_g_side = {}, [], []

    def own(layer, function):
      places = [_LAYER_OF.match(v.name).groups() for v in variables]
      return [v for v, place in zip(variables, places) if place == (str(layer), function)]

    with vs.variable_scope(self.scope_name, reuse=True):
      for i in reversed(range(self.num_layers)):
        f_vars, g_vars = own(i, "f"), own(i, "g")
        ys, grads, (of_f, f_sides), (of_g, g_sides) = _layer_gradients(
            ys, grads, self.f[i], self.g[i], f_vars, f_side, g_vars, g_side)
        of_variables.update((id(v), grad) for v, grad in zip(f_vars + g_vars, list(of_f) + list(of_g)))
        of_f_side.append(f_sides)
        of_g_side.append(g_sides)
    of_side = [_sum(parts) for sides in (of_f_side, of_g_side) for parts in zip(*sides)]
    return list(grads) + of_side, [of_variables[id(v)] for v in variables]

  def _backward(self, y1, y2):
    for f, g in zip(reversed(self.f), reversed(self.g)):
      y2 = y2 - _call(g, y1, self.g_side_input)
      y1 = y1 - _call(f, y2, self.f_side_input)
    return y1, y2


def rev_block(x1, x2, f, g, num_layers=1, f_side_input=None, g_side_input=None, is_training=True):
  """RevBlock as a function; outside of training the gradients are the ordinary ones."""
  return RevBlock(f=f, g=g, num_layers=num_layers, f_side_input=f_side_input, g_side_input=g_side_input,
                  use_efficient_backprop=is_training, _reuse=vs.get_variable_scope().reuse).forward(x1, x2)


def _check_closure(fn):
  names = fn.__code__.co_freevars
  for name, cell in zip(names, fn.__closure__ or ()):
    value = cell.cell_contents
    if isinstance(value, (ops.Tensor, tf_variables.Variable)):
      raise ValueError("fn decorated with @recompute_grad closes over Tensor %s (local variable name: %s). The decorated fn "
                       "must not close over Tensors or Variables because gradients will NOT be computed for them through "
                       "fn. To ensure correct gradients, make the Tensor an input to fn." % (value.name, name))


def recompute_grad(fn=None, use_data_dep="__USE_DEFAULT__", tupleize_grads=False):
  """Decorator for a function of tensors that is computed again for its gradients. It is told so where it takes an argument
  `is_recomputing`. Gradients are given out all at once with tupleize_grads. The order of the work is kept by control
  dependencies, whatever use_data_dep says."""
  if fn is None:
    return functools.partial(recompute_grad, use_data_dep=use_data_dep, tupleize_grads=tupleize_grads)
  _check_closure(fn)
  told = "is_recomputing" in inspect.getfullargspec(fn).args

  def call(tensors, again):
    """The outputs, and the variables that were used."""
    first = ops.get_default_graph()._last_id
    outputs = fn(*tensors, is_recomputing=again) if told else fn(*tensors)
    return outputs, used_variables(ops.get_default_graph(), first)

  @custom_gradient
  def inner(*tensors):
    scope, arguments = vs.get_variable_scope(), current_arg_scope()
    outputs, used = call(tensors, False)

    def again(*tensors):
      with arg_scope(arguments):
        outputs, used_again = call(tensors, True)
      if {id(v) for v in used_again} != {id(v) for v in used}:
        raise ValueError("The variables used on recompute were different than the variables originally used. The function "
                         "makes a variable scope with a default name and was called twice in one scope; each call needs a "
                         "scope of its own.")
      return outputs

    def gradient(output_grads, variables):
      found = recompute.gradients_again(again, tensors, variables, output_grads, scope)
      found = control_flow_ops.tuple(found) if tupleize_grads else found
      return found[:len(tensors)], found[len(tensors):]

    if used:
      return outputs, lambda *grads, variables: gradient(grads, variables)
    return outputs, lambda *grads: gradient(grads, [])[0]

  @functools.wraps(fn)
  def wrapped(*args):
    if not all(isinstance(arg, ops.Tensor) for arg in args):
      raise ValueError("All inputs to function must be Tensors")
    return inner(*args)

  return wrapped
