"""What programs ask that may run eagerly in TensorFlow: here operations are always added to graphs."""
