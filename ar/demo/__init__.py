"""The demonstration: a simulated company, seeded, lived day by day through the product's own functions."""
