"""Updates of about 25 million parameters, in tensors as large and as many as a network's."""
from ..row import Row, Update, tensor

SHAPES = ((3072, 3072), (3, 3, 512, 512), (2048, 1000), (4096, 1021), (1024, 4096), (3, 3, 256, 256), (257, 4099), (1000,),
          (64,), (512,), (768,))
COUNT = 0
for _shape in SHAPES:
    _size = 1
    for _n in _shape:
        _size *= _n
    COUNT += _size

# optimizer -> arrays read and written at each step
PASSES = {"sgd": 3, "momentum": 5, "adam": 7, "rmsprop": 5}

ROWS = tuple(
    Row(f"{optimizer}, {COUNT} parameters", tuple(tensor(*s) for s in SHAPES + SHAPES), Update(optimizer, 1e-3),
        bytes=4.0 * COUNT * passes)
    for optimizer, passes in PASSES.items())
