"""What only moves: permutations, gather and scatter, concatenation, slices, padding, one-hot, dropout."""
from ..row import Row, indices, tensor


def size(shape):
    count = 1
    for n in shape:
        count *= n
    return count


def permute(shape, order, dtype="float32"):
    return Row(f"permute {'x'.join(map(str, shape))} to {','.join(map(str, order))}", (tensor(*shape, dtype=dtype),),
               lambda o, x: o.transpose(x, order), bytes=8.0 * size(shape))


def gather(rows, width, count):
    return Row(f"gather {count} of {rows}x{width}", (tensor(rows, width), indices(rows, count)),
               lambda o, x, i: o.gather(x, i), bytes=8.0 * count * width)


def scatter(rows, width, count):
    return Row(f"scatter-add {count} into {rows}x{width}", (tensor(count, width), indices(rows, count)),
               lambda o, x, i: o.segment_sum(x, i, rows), bytes=4.0 * width * (count + rows))


def concat(shapes, axis):
    total = sum(size(s) for s in shapes)
    return Row(f"concat {' '.join('x'.join(map(str, s)) for s in shapes)} along {axis}", tuple(tensor(*s) for s in shapes),
               lambda o, *xs: o.concat(xs, axis), bytes=8.0 * total)


ROWS = (
    permute((4001, 4507), (1, 0)), permute((4096, 4096), (1, 0)), permute((64, 128, 12, 128), (0, 2, 1, 3)),
    permute((64, 57, 57, 67), (0, 3, 1, 2)), permute((64, 67, 57, 57), (0, 2, 3, 1)), permute((231, 233, 237), (2, 1, 0)),
    permute((31, 37), (1, 0)),
    gather(200003, 64, 160001), gather(50021, 512, 20011), scatter(100003, 64, 160001),
    concat(((4001, 1500), (4001, 1501), (4001, 7)), 1), concat(((2001, 3007), (2000, 3007)), 0),
    Row("slice 3900x4400 of 4001x4507", (tensor(4001, 4507),), lambda o, x: o.slice(x, (51, 53), (3900, 4400)),
        bytes=8.0 * 3900 * 4400),
    Row("pad 64x55x55x64 by 1", (tensor(64, 55, 55, 64),), lambda o, x: o.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))),
        bytes=4.0 * 64 * 64 * (55 * 55 + 57 * 57)),
    Row("reverse 4001x4507 along 1", (tensor(4001, 4507),), lambda o, x: o.reverse(x, (1,)), bytes=8.0 * 4001 * 4507),
    Row("one-hot 20011 of 1000", (indices(1000, 20011),), lambda o, i: o.one_hot(i, 1000), bytes=4.0 * 20011 * 1000),
    Row("dropout 4001x4507", (tensor(4001, 4507, low=0.5, high=1.5),), lambda o, x: o.dropout(x, 0.5),
        bytes=8.0 * 4001 * 4507, checked=False),
)
