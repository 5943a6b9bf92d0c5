"""Matrix products: round and odd sizes, all transposes, and the skinny ones that reading bounds."""
from ..row import Row, tensor


def product(m, k, n, transposes="NN", name=""):
    ta, tb = (t == "T" for t in transposes)
    return Row(name or f"{m}x{k}x{n} {transposes}",
               (tensor(*((k, m) if ta else (m, k))), tensor(*((n, k) if tb else (k, n)))),
               lambda o, a, b: o.matmul(a, b, ta, tb), flops=2.0 * m * k * n, bytes=4.0 * (m * k + k * n + m * n),
               traffic="read")


def bfloat16_product(m, k, n):
    """Of floats that are rounded first, back to floats; only for those that know the type."""
    return Row(f"{m}x{k}x{n} bfloat16", (tensor(m, k), tensor(k, n)),
               lambda o, a, b: o.cast(o.matmul(o.bfloat16(a), o.bfloat16(b)), "float32"), flops=2.0 * m * k * n,
               bytes=4.0 * (m * k + k * n + m * n), traffic="read", tolerance=2e-2)


ROWS = (
    product(256, 256, 256), product(512, 512, 512), product(1024, 1024, 1024), product(2048, 2048, 2048),
    product(509, 1021, 257), product(127, 131, 137), product(997, 991, 983),
    product(768, 768, 768, "NT"), product(768, 768, 768, "TN"), product(768, 768, 768, "TT"),
    product(1021, 509, 769, "NT"), product(1021, 509, 769, "TN"),
    product(1, 4096, 4096), product(1, 4096, 4096, "NT"), product(3, 4096, 4096), product(8, 4096, 4096),
    product(16, 4096, 4096, "NT"), product(4096, 4096, 1), product(4096, 4096, 7), product(4099, 4093, 16, "TN"),
    bfloat16_product(1024, 1024, 1024), bfloat16_product(509, 1022, 257),
)
