-- Posts one order per request and prints plain figures at the end.
wrk.method = "POST"
wrk.body = '{"ID": 123, "Quantity": 2}'
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format("\nrequests:%d", summary.requests))
    print(string.format("p50_us:%d", latency:percentile(50)))
    print(string.format("p99_us:%d", latency:percentile(99)))
    print(string.format("errors:%d", errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
