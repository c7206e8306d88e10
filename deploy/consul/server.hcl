# One server that is its own agent: enough for one machine. A real cluster has three and an agent on each node.
server           = true
bootstrap_expect = 1
datacenter       = "dc1"
data_dir         = "/consul/data"
client_addr      = "0.0.0.0"
bind_addr        = "{{ GetPrivateIP }}"
log_level        = "WARN"

ui_config {
  enabled = true
}

# mutual TLS between services by Consul's own CA (IDENTITY=consul)
connect {
  enabled = true
}

# Leader in a second, not in ten, after a restart.
performance {
  raft_multiplier = 1
}

telemetry {
  prometheus_retention_time = "5m"
  disable_hostname          = true
}
