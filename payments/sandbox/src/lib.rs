//! A Stripe-compatible server with a hosted checkout page, durable.
