"""Thalweg: TensorFlow 1.x programs on a small fast core. `import thalweg as tf`."""
