//! Find and call a healthy peer: registrar, resolver, balancer, retry, deadline, channel.
