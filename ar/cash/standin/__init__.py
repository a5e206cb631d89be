"""A test gateway: a stand-in for Stripe, shaped on its public API, that moves no money.

What it accepts Stripe would accept; what it does not know it refuses. It keeps its own small file and knows
nothing of the product: the two speak by HTTP alone, as with Stripe.
"""
