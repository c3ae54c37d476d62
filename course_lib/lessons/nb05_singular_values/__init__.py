"""Lesson 05, notebooks/05_singular_values.ipynb: what powers and long products of a matrix do, in `figures`;
`exponents` has the largest exponent of random networks, `long_product` reads a product of 1000 Jacobians that is known
to 30 digits."""
