"""Lesson 05, notebooks/05_singular_values.ipynb: what powers and long products of a matrix do, in `figures`;
`exponents` has the largest exponent of random networks."""
