"""The optimizers as pure functions, for frameworks whose steps are functions of their state.

A rule takes the vocabulary, (parameter, gradient, slots) and the step's number from one as a float, and returns the new
parameter and slots. They are TensorFlow's rules with its constants.
"""
RULES = {}


def rule(*first_slot_values):
    def register(function):
        RULES[function.__name__] = (first_slot_values, function)
        return function
    return register


@rule()
def sgd(o, rate, p, g, slots, t):
    return p - rate * g, ()


@rule(0.0)
def momentum(o, rate, p, g, slots, t):
    m = 0.9 * slots[0] + g
    return p - rate * m, (m,)


@rule(0.0, 0.0)
def adam(o, rate, p, g, slots, t):
    m, v = 0.9 * slots[0] + 0.1 * g, 0.999 * slots[1] + 0.001 * g * g
    scaled = rate * o.sqrt(1 - o.pow(0.999, t)) / (1 - o.pow(0.9, t))
    return p - scaled * m / (o.sqrt(v) + 1e-8), (m, v)


@rule(1.0)
def rmsprop(o, rate, p, g, slots, t):
    square = 0.9 * slots[0] + 0.1 * g * g
    return p - rate * g * o.rsqrt(square + 1e-10), (square,)
