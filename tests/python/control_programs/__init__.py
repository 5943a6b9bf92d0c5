"""Small programs with branches, loops and arrays. Each takes the package and a session, so that TensorFlow 1.15 can run
them for the goldens, and returns values and names."""

from control_programs import arrays, branch_values, case, cond, functional, loops, seeds

MODULES = (cond, branch_values, case, loops, arrays, functional, seeds)
